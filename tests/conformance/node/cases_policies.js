// Policies of keys and of the instance. Instance policies are set on an instance of their own and disabled again.
'use strict';
const assert = require('assert');
const { randomBytes } = require('crypto');
const { success, refusal, refused } = require('./suite');
const { POLICY_TYPE, UNKNOWN, envelope, base64 } = require('./context');

const policies = (...resources) => envelope(POLICY_TYPE, ...resources.map((each) => ({ type: POLICY_TYPE, ...each })));
const put = (kh, id, policy, ...resources) => kh.manager.putPolicy(kh.of(id, { policy, setKeyPoliciesOneOf: policies(...resources) }));
const get = async (kh, id, policy) => (await kh.manager.getPolicy(kh.of(id, { policy }))).result;

success('putPolicy', 'rotation: answers with this policy, keeps its interval while disabled', async (kh) => {
  const { id } = await kh.root();
  const { result } = await put(kh, id, 'rotation', { rotation: { interval_month: 3 } });
  assert.strictEqual(result.resources.length, 1);
  assert.deepStrictEqual(result.resources[0].rotation, { enabled: true, interval_month: 3 });
  assert(result.resources[0].crn.includes(':policy:') && result.resources[0].createdBy);
  await put(kh, id, 'rotation', { rotation: { enabled: false } });
  assert.deepStrictEqual((await get(kh, id, 'rotation')).resources[0].rotation, { enabled: false, interval_month: 3 });
  await put(kh, id, undefined, { rotation: { enabled: true } });
  assert.deepStrictEqual((await kh.get(id)).rotation, { enabled: true, interval_month: 3 });
});

success('putPolicy', 'both at once, answered in the order of the request', async (kh) => {
  const { id } = await kh.root();
  const { result } = await put(kh, id, undefined, { dualAuthDelete: { enabled: false } }, { rotation: { interval_month: 12 } });
  assert.strictEqual(result.resources[0].dualAuthDelete.enabled, false);
  assert.strictEqual(result.resources[1].rotation.interval_month, 12);
});

refusal('putPolicy', 'bad intervals, unknown fields, a query that does not fit, and keys that cannot rotate', async (kh) => {
  const { id } = await kh.root();
  for (const months of [-1, 0, 13]) {
    await refused(400, 'INVALID_FIELD_ERR', put(kh, id, 'rotation', { rotation: { interval_month: months } }), { type: 'field', name: 'interval_month' });
  }
  await refused(400, 'BAD_BODY_ERR', put(kh, id, 'rotation', { rotation: { interval_month: 1, colour: 'red' } }));
  await refused(400, 'BODY_QUERY_PARAM_MISMATCH_ERR', put(kh, id, 'dualAuthDelete', { rotation: { interval_month: 1 } }));
  await refused(400, 'NUM_COLLECTION_RESOURCE_ERR', put(kh, id, 'rotation', { rotation: { interval_month: 1 } }, { dualAuthDelete: { enabled: true } }));
  await refused(400, 'KEY_ROOT_REQ_ERR', put(kh, (await kh.standard()).id, 'rotation', { rotation: { interval_month: 1 } }));
  const imported = (await kh.root({ payload: base64(randomBytes(32)) })).id;
  await refused(400, 'KEY_PAYLOAD_REQ_ERR', put(kh, imported, 'rotation', { rotation: { interval_month: 1 } }));
  await put(kh, id, 'dualAuthDelete', { dualAuthDelete: { enabled: true } });
  await refused(409, 'DUAL_AUTH_POLICY_ENABLED_ERR', put(kh, id, 'dualAuthDelete', { dualAuthDelete: { enabled: false } }));
  assert.deepStrictEqual((await get(kh, id)).resources.map((policy) => Object.keys(policy).includes('rotation')), [false]);
});

success('getPolicy', 'none for a fresh key, then each that was set', async (kh) => {
  const { id } = await kh.root();
  assert.deepStrictEqual((await get(kh, id)).resources, []);
  assert.strictEqual((await get(kh, id, 'rotation')).metadata.collectionTotal, 0);
  await put(kh, id, 'rotation', { rotation: { interval_month: 1 } });
  await put(kh, id, 'dualAuthDelete', { dualAuthDelete: { enabled: false } });
  assert.strictEqual((await get(kh, id)).metadata.collectionTotal, 2);
  assert.strictEqual((await get(kh, id, 'dualAuthDelete')).resources[0].dualAuthDelete.enabled, false);
});

refusal('getPolicy', 'of an unknown key; a Writer may not', async (kh) => {
  await refused(404, 'KEY_NOT_FOUND_ERR', kh.manager.getPolicy(kh.of(UNKNOWN)));
  await refused(401, null, kh.writer.getPolicy(kh.of((await kh.root()).id)));
});

const instance = (...resources) => envelope(POLICY_TYPE, ...resources.map(([policy_type, enabled, attributes]) => ({ policy_type, policy_data: { enabled, ...(attributes && { attributes }) } })));
const putInstance = (kh, policy, ...resources) => kh.manager.putInstancePolicy({ ...kh.rules, policy, setInstancePoliciesOneOf: instance(...resources) });
const getInstance = async (kh, policy) => (await kh.manager.getInstancePolicy({ ...kh.rules, policy })).result.resources;
const data = async (kh, policy) => (await getInstance(kh, policy))[0].policy_data;

success('putInstancePolicy', 'dualAuthDelete is inherited by keys made afterwards', async (kh) => {
  const before = (await kh.root({}, kh.rules)).id;
  assert.strictEqual((await putInstance(kh, 'dualAuthDelete', ['dualAuthDelete', true])).status, 204);
  const after = (await kh.root({}, kh.rules)).id;
  await putInstance(kh, 'dualAuthDelete', ['dualAuthDelete', false]);
  assert.deepStrictEqual(await data(kh, 'dualAuthDelete'), { enabled: false });
  assert.strictEqual((await kh.get(before, kh.rules)).dualAuthDelete.enabled, false);
  assert.strictEqual((await kh.get(after, kh.rules)).dualAuthDelete.enabled, true);
});

success('putInstancePolicy', 'rotation is inherited by generated root keys alone', async (kh) => {
  await putInstance(kh, 'rotation', ['rotation', true, { interval_month: 6 }]);
  const keys = [await kh.root({}, kh.rules), await kh.root({ payload: base64(randomBytes(32)) }, kh.rules), await kh.standard({}, kh.rules)];
  await putInstance(kh, 'rotation', ['rotation', false]);
  const rotations = [];
  for (const key of keys) rotations.push((await kh.get(key.id, kh.rules)).rotation);
  assert.deepStrictEqual(rotations, [{ enabled: true, interval_month: 6 }, undefined, undefined]);
  assert.deepStrictEqual(await data(kh, 'rotation'), { enabled: false });
});

success('putInstancePolicy', 'allowedNetwork, disabled with its attributes too', async (kh) => {
  const both = { allowed_network: 'public-and-private' };
  await putInstance(kh, 'allowedNetwork', ['allowedNetwork', true, both]);
  assert.deepStrictEqual(await data(kh, 'allowedNetwork'), { enabled: true, attributes: both });
  for (const attributes of [both, {}, undefined]) await putInstance(kh, 'allowedNetwork', ['allowedNetwork', false, attributes]);
  assert.strictEqual((await data(kh, 'allowedNetwork')).enabled, false);
});

success('putInstancePolicy', 'allowedIP lets in the address it names', async (kh) => {
  await putInstance(kh, 'allowedIP', ['allowedIP', true, { allowed_ip: ['127.0.0.0/8', '2001:db8::/32'] }]);
  assert.deepStrictEqual((await data(kh, 'allowedIP')).attributes.allowed_ip, ['127.0.0.0/8', '2001:db8::/32']);
  await kh.manager.getKeys(kh.rules);
  await putInstance(kh, 'allowedIP', ['allowedIP', false]);
  assert.deepStrictEqual(await data(kh, 'allowedIP'), { enabled: false });
});

success('putInstancePolicy', 'allowedIP shuts out every other address, but not from the port it opens', async (kh) => {
  const closed = { bluemixInstance: process.env.KH_INSTANCE_CLOSED };
  const setInstancePoliciesOneOf = instance(['allowedIP', true, { allowed_ip: ['192.0.2.0/24'] }]);
  await kh.manager.putInstancePolicy({ ...closed, policy: 'allowedIP', setInstancePoliciesOneOf });
  await refused(401, null, kh.manager.getKeys(closed));
  await refused(401, null, kh.manager.getInstancePolicy(closed));
  assert.strictEqual((await kh.manager.getAllowedIpPort(closed)).result.resources.length, 1);
});

success('putInstancePolicy', 'keyCreateImportAccess: what is left out takes its default, what is forbidden is refused', async (kh) => {
  const type = 'keyCreateImportAccess';
  const defaults = { create_root_key: true, create_standard_key: true, import_root_key: true, import_standard_key: true, enforce_token: false };
  const payload = base64(randomBytes(32));
  const forbidden = { create_root_key: { extractable: false }, create_standard_key: { extractable: true }, import_root_key: { extractable: false, payload }, import_standard_key: { extractable: true, payload }, enforce_token: { extractable: false, payload } };
  for (const [name, resource] of Object.entries(forbidden)) {
    await putInstance(kh, type, [type, true, { [name]: !defaults[name] }]);
    assert.deepStrictEqual((await data(kh, type)).attributes, { ...defaults, [name]: !defaults[name] });
    await refused(409, 'KEY_CREATE_IMPORT_ACCESS_ERR', kh.create(resource, kh.rules));
  }
  await putInstance(kh, type, [type, false]);
  assert.deepStrictEqual(await data(kh, type), { enabled: false });
  for (const resource of Object.values(forbidden)) await kh.create(resource, kh.rules);
});

success('putInstancePolicy', 'metrics, and several types in one call', async (kh) => {
  await putInstance(kh, undefined, ['metrics', true], ['dualAuthDelete', false], ['allowedNetwork', true, { allowed_network: 'public-and-private' }]);
  assert.deepStrictEqual(await data(kh, 'metrics'), { enabled: true });
  await putInstance(kh, undefined, ['metrics', false], ['allowedNetwork', false]);
  assert.deepStrictEqual(await data(kh, 'metrics'), { enabled: false });
});

refusal('putInstancePolicy', 'what does not fit together, unknown fields, missing attributes; a Writer may not', async (kh) => {
  const before = await getInstance(kh);
  const wrongTotal = instance(['metrics', true]);
  wrongTotal.metadata.collectionTotal = 2;
  await refused(400, 'COLLECTION_TOTAL_MISMATCH_ERR', kh.manager.putInstancePolicy({ ...kh.rules, policy: 'metrics', setInstancePoliciesOneOf: wrongTotal }));
  await refused(400, 'BODY_QUERY_PARAM_MISMATCH_ERR', putInstance(kh, 'metrics', ['dualAuthDelete', true]));
  await refused(400, 'NUM_COLLECTION_RESOURCE_ERR', putInstance(kh, undefined, ['metrics', true], ['metrics', false]));
  await refused(400, 'BAD_BODY_ERR', putInstance(kh, 'dualAuthDelete', ['dualAuthDelete', true, { colour: 'red' }]));
  await refused(400, 'INVALID_FIELD_ERR', putInstance(kh, 'rotation', ['rotation', true, { interval_month: 13 }]));
  await refused(400, 'INVALID_FIELD_ERR', putInstance(kh, 'allowedIP', ['allowedIP', true, { allowed_ip: ['not-a-network'] }]));
  await refused(400, 'INVALID_FIELD_ERR', putInstance(kh, 'allowedNetwork', ['allowedNetwork', true, { allowed_network: 'everywhere' }]));
  await refused(401, null, kh.writer.putInstancePolicy({ ...kh.rules, policy: 'metrics', setInstancePoliciesOneOf: instance(['metrics', true]) }));
  assert.deepStrictEqual(await getInstance(kh), before);
});

success('getInstancePolicy', 'none before any was set; then with creator and dates', async (kh) => {
  assert.deepStrictEqual((await kh.manager.getInstancePolicy(kh.instance)).result.resources, []);
  assert.deepStrictEqual((await kh.manager.getInstancePolicy({ ...kh.instance, policy: 'allowedIP' })).result.resources, []);
  await putInstance(kh, 'metrics', ['metrics', false]);
  const [policy] = await getInstance(kh, 'metrics');
  assert(policy.createdBy && policy.updatedBy && policy.creationDate.endsWith('Z') && policy.lastUpdated.endsWith('Z'));
});

refusal('getInstancePolicy', 'an unknown type; a Reader may not', async (kh) => {
  await refused(400, 'INVALID_QUERY_PARAM_ERR', kh.manager.getInstancePolicy({ ...kh.rules, policy: 'colour' }));
  await refused(401, null, kh.reader.getInstancePolicy(kh.rules));
});

success('getAllowedIpPort', 'a number while the policy is active, else nothing', async (kh) => {
  const port = async () => (await kh.manager.getAllowedIpPort(kh.rules)).result.resources;
  assert.deepStrictEqual(await port(), []);
  await putInstance(kh, 'allowedIP', ['allowedIP', true, { allowed_ip: ['127.0.0.0/8'] }]);
  const [{ private_endpoint_port: number }] = await port();
  await putInstance(kh, 'allowedIP', ['allowedIP', false]);
  assert(Number.isInteger(number) && number > 0 && number < 65536, `${number}`);
});

refusal('getAllowedIpPort', 'a Reader may not', async (kh) => {
  await refused(401, null, kh.reader.getAllowedIpPort(kh.rules));
});

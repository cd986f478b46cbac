// Registrations, which this SDK can read only; the frame made two of them.
'use strict';
const assert = require('assert');
const { success, refusal, refused } = require('./suite');
const { UNKNOWN } = require('./context');

const env = process.env;

success('getRegistrations', 'none of a fresh key, counted when asked', async (kh) => {
  const { id } = await kh.root();
  const { result } = await kh.manager.getRegistrations(kh.of(id, { totalCount: true }));
  assert.deepStrictEqual([result.metadata.collectionTotal, result.metadata.totalCount, result.resources], [0, 0, []]);
});

success('getRegistrations', 'of a key that has one', async (kh) => {
  const { result } = await kh.reader.getRegistrations(kh.of(env.KH_REGISTERED_KEY));
  const [registration] = result.resources;
  assert.deepStrictEqual([registration.keyId, registration.resourceCrn, registration.preventKeyDeletion], [env.KH_REGISTERED_KEY, env.KH_REGISTERED_CRN, false]);
  assert(registration.createdBy && registration.creationDate.endsWith('Z') && registration.keyVersion.id);
});

refusal('getRegistrations', 'of an unknown key', async (kh) => {
  await refused(404, 'KEY_NOT_FOUND_ERR', kh.manager.getRegistrations(kh.of(UNKNOWN)));
});

success('getRegistrationsAllKeys', 'by resource, by its beginning, by preventKeyDeletion, in pages', async (kh) => {
  const list = async (query) => (await kh.manager.getRegistrationsAllKeys({ ...kh.instance, ...query })).result;
  const keys = async (query) => (await list(query)).resources.map((registration) => registration.keyId).sort();
  const both = [env.KH_REGISTERED_KEY, env.KH_PROTECTED_KEY].sort();
  assert.deepStrictEqual(await keys({}), both);
  assert.deepStrictEqual(await keys({ urlEncodedResourceCrnQuery: env.KH_REGISTERED_CRN }), [env.KH_REGISTERED_KEY]);
  const segments = env.KH_REGISTERED_CRN.split(':');
  assert.deepStrictEqual(await keys({ urlEncodedResourceCrnQuery: [...segments.slice(0, 8), '*', '*'].join(':') }), both);
  assert.deepStrictEqual(await keys({ preventKeyDeletion: true }), [env.KH_PROTECTED_KEY]);
  assert.deepStrictEqual(await keys({ preventKeyDeletion: false }), [env.KH_REGISTERED_KEY]);
  const page = await list({ limit: 1, offset: 1, totalCount: true });
  assert.deepStrictEqual([page.resources.length, page.metadata.collectionTotal, page.metadata.totalCount], [1, 1, 2]);
});

refusal('getRegistrationsAllKeys', 'a limit of 0; an identity without a role', async (kh) => {
  await refused(400, 'INVALID_QUERY_PARAM_ERR', kh.manager.getRegistrationsAllKeys({ ...kh.instance, limit: 0 }));
  await refused(401, null, kh.nobody.getRegistrationsAllKeys(kh.instance));
});

refusal('deleteKey', 'a key with a registration needs force; one that prevents deletion refuses even that', async (kh) => {
  await refused(409, 'PROTECTED_RESOURCE_ERR', kh.manager.deleteKey(kh.of(env.KH_REGISTERED_KEY)), { type: 'query_param', name: 'force' });
  await refused(409, 'PREV_KEY_DEL_ERR', kh.manager.deleteKey(kh.of(env.KH_PROTECTED_KEY, { force: true })));
  assert.strictEqual((await kh.get(env.KH_REGISTERED_KEY)).state, 1);
});

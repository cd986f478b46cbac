// Disable, enable, delete, restore, sync, and deletion that takes two.
'use strict';
const assert = require('assert');
const { success, refusal, refused, readAll } = require('./suite');
const { KEY_TYPE, POLICY_TYPE, UNKNOWN, envelope } = require('./context');

success('disableKey', 'stops its use', async (kh) => {
  const { id } = await kh.root();
  const ciphertext = await kh.wrap(id, 'text');
  assert.strictEqual((await kh.manager.disableKey(kh.of(id))).status, 204);
  assert.strictEqual((await kh.get(id)).state, 2);
  await refused(409, 'KEY_ACTION_INVALID_STATE_ERR', kh.manager.wrapKey(kh.of(id)));
  await refused(409, 'KEY_ACTION_INVALID_STATE_ERR', kh.manager.unwrapKey(kh.of(id, { keyActionUnwrapBody: { ciphertext } })));
});

refusal('disableKey', 'twice, and a standard key', async (kh) => {
  const { id } = await kh.root();
  await kh.manager.disableKey(kh.of(id));
  await refused(409, 'KEY_ACTION_INVALID_STATE_ERR', kh.manager.disableKey(kh.of(id)));
  await refused(400, 'KEY_ROOT_REQ_ERR', kh.manager.disableKey(kh.of((await kh.standard()).id)));
});

refusal('enableKey', 'an active key, and one disabled just now', async (kh) => {
  const { id } = await kh.root();
  await refused(409, 'KEY_ACTION_INVALID_STATE_ERR', kh.manager.enableKey(kh.of(id)));
  await kh.manager.disableKey(kh.of(id));
  await refused(409, 'REQ_TOO_EARLY_ERR', kh.manager.enableKey(kh.of(id)));
});

success('enableKey', 'when its time has come', async (kh) => {
  assert.strictEqual((await kh.manager.enableKey(kh.of(kh.disabled))).status, 204);
  assert.strictEqual(await kh.unwrap(kh.disabled, await kh.wrap(kh.disabled, 'again')), 'again');
}, true);

success('deleteKey', 'answers 204, or the key when it is asked for', async (kh) => {
  const first = (await kh.root()).id;
  assert.strictEqual((await kh.manager.deleteKey(kh.of(first))).status, 204);
  const second = (await kh.root()).id;
  const answer = await kh.manager.deleteKey(kh.of(second, { prefer: 'return=representation' }));
  assert.strictEqual(answer.status, 200);
  const [key] = answer.result.resources;
  assert.deepStrictEqual([key.id, key.state, key.deleted], [second, 5, true]);
  const days = (from, to) => (new Date(to) - new Date(from)) / 86400000;
  assert.strictEqual(days(key.deletionDate, key.restoreExpirationDate), 30);
  assert.strictEqual(days(key.deletionDate, key.purgeScheduledOn), 90);
  assert.strictEqual(days(key.deletionDate, key.purgeAllowedFrom), Number(process.env.KH_PURGE_WAIT) / 86400);
  assert.strictEqual(key.purgeAllowed, false);
  assert(!('payload' in (await kh.get((await destroyedStandard(kh))))));
});

async function destroyedStandard(kh) {
  const { id } = await kh.standard();
  await kh.manager.deleteKey(kh.of(id, { force: true }));
  return id;
}

refusal('deleteKey', 'twice is gone, as is every use; unknown is missing', async (kh) => {
  const { id } = await kh.root();
  const ciphertext = await kh.wrap(id, 'text');
  await kh.manager.deleteKey(kh.of(id));
  await refused(410, 'KEY_DELETED_ERR', kh.manager.deleteKey(kh.of(id)));
  await refused(410, 'KEY_DELETED_ERR', kh.manager.unwrapKey(kh.of(id, { keyActionUnwrapBody: { ciphertext } })));
  await refused(404, 'KEY_NOT_FOUND_ERR', kh.manager.deleteKey(kh.of(UNKNOWN)));
});

refusal('restoreKey', 'a key deleted just now, and one that is not deleted', async (kh) => {
  const { id } = await kh.root();
  await refused(409, 'KEY_ACTION_INVALID_STATE_ERR', kh.manager.restoreKey(kh.of(id)));
  await kh.manager.deleteKey(kh.of(id));
  await refused(409, 'REQ_TOO_EARLY_ERR', kh.manager.restoreKey(kh.of(id)));
});

success('restoreKey', 'when its time has come: the answer is a stream with the key', async (kh) => {
  const answer = await kh.manager.restoreKey(kh.of(kh.deleted, { prefer: 'return=representation' }));
  assert.strictEqual(answer.status, 201);
  const body = JSON.parse(await readAll(answer.result));
  assert.strictEqual(body.metadata.collectionType, KEY_TYPE);
  assert.deepStrictEqual([body.resources[0].id, body.resources[0].state], [kh.deleted, 1]);
  assert.strictEqual(await kh.unwrap(kh.deleted, kh.deletedText), 'before the deletion');
}, true);

success('syncAssociatedResources', 'of a key without registrations', async (kh) => {
  assert.strictEqual((await kh.manager.syncAssociatedResources(kh.of((await kh.root()).id))).status, 204);
});

refusal('syncAssociatedResources', 'right after a deletion', async (kh) => {
  const { id } = await kh.root();
  await kh.manager.deleteKey(kh.of(id));
  await refused(409, 'REQ_TOO_EARLY_ERR', kh.manager.syncAssociatedResources(kh.of(id)));
});

async function dualKey(kh) {
  const { id } = await kh.root();
  const setKeyPoliciesOneOf = envelope(POLICY_TYPE, { type: POLICY_TYPE, dualAuthDelete: { enabled: true } });
  await kh.manager.putPolicy(kh.of(id, { setKeyPoliciesOneOf, policy: 'dualAuthDelete' }));
  return id;
}

success('setKeyForDeletion', 'one sets, another deletes', async (kh) => {
  const id = await dualKey(kh);
  await refused(409, 'AUTHORIZATIONS_NOT_MET', kh.second.deleteKey(kh.of(id)));
  assert.strictEqual((await kh.manager.setKeyForDeletion(kh.of(id))).status, 204);
  const { state, dualAuthDelete } = await kh.get(id);
  assert.deepStrictEqual([state, dualAuthDelete.enabled, dualAuthDelete.keySetForDeletion], [1, true, true]);
  assert(new Date(dualAuthDelete.authExpiration) > Date.now() + 6.9 * 86400000);
  await kh.wrap(id, 'still usable');
  await refused(409, 'AUTHORIZATIONS_NOT_MET', kh.manager.deleteKey(kh.of(id)));
  assert.strictEqual((await kh.second.deleteKey(kh.of(id))).status, 204);
});

refusal('setKeyForDeletion', 'without the policy, and by a Reader', async (kh) => {
  await refused(409, 'NOT_DUAL_AUTH_ERR', kh.manager.setKeyForDeletion(kh.of((await kh.root()).id)));
  await refused(401, null, kh.reader.setKeyForDeletion(kh.of(await dualKey(kh))));
});

success('unsetKeyForDeletion', 'takes the authorization back', async (kh) => {
  const id = await dualKey(kh);
  await kh.writer.setKeyForDeletion(kh.of(id));
  assert.strictEqual((await kh.writer.unsetKeyForDeletion(kh.of(id))).status, 204);
  assert.strictEqual((await kh.get(id)).dualAuthDelete.keySetForDeletion, false);
  await refused(409, 'AUTHORIZATIONS_NOT_MET', kh.second.deleteKey(kh.of(id)));
});

refusal('unsetKeyForDeletion', 'without the policy', async (kh) => {
  await refused(409, 'NOT_DUAL_AUTH_ERR', kh.manager.unsetKeyForDeletion(kh.of((await kh.root()).id)));
});

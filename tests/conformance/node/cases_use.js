// Wrap, unwrap, rewrap and rotate.
'use strict';
const assert = require('assert');
const { randomBytes } = require('crypto');
const { success, refusal, refused } = require('./suite');
const { base64 } = require('./context');

const MESSAGE = 'dreiunddreissig Zeichen und mehr \u00e9';
const AAD = ['first', 'second', '\u6f22\u5b57'];

success('wrapKey', 'given text comes back, and the answer does not repeat it', async (kh) => {
  const { id } = await kh.root();
  const { result, status } = await kh.manager.wrapKey(kh.of(id, { keyActionWrapBody: { plaintext: base64(MESSAGE) } }));
  assert.strictEqual(status, 200);
  assert(!('plaintext' in result));
  assert.strictEqual(result.keyVersion.id, id);
  assert.strictEqual(await kh.unwrap(id, result.ciphertext), MESSAGE);
});

success('wrapKey', 'makes a DEK of 32 bytes for an empty object and for no body', async (kh) => {
  const { id } = await kh.root();
  for (const more of [{ keyActionWrapBody: {} }, {}]) {
    const { plaintext, ciphertext } = (await kh.manager.wrapKey(kh.of(id, more))).result;
    assert.strictEqual(Buffer.from(plaintext, 'base64').length, 32);
    const opened = (await kh.manager.unwrapKey(kh.of(id, { keyActionUnwrapBody: { ciphertext } }))).result;
    assert.strictEqual(opened.plaintext, plaintext);
  }
});

success('wrapKey', 'by alias and in a ring', async (kh) => {
  const alias = kh.name('wrap-alias');
  const { id } = await kh.root({ aliases: [alias] });
  const { ciphertext } = (await kh.manager.wrapKey(kh.of(alias, { keyActionWrapBody: { plaintext: base64(MESSAGE) }, xKmsKeyRing: 'default' }))).result;
  assert.strictEqual(await kh.unwrap(id, ciphertext), MESSAGE);
});

refusal('wrapKey', 'a standard key, an unknown key, a text that is no base64, too much additional data', async (kh) => {
  const { id } = await kh.root();
  const wrap = (key, keyActionWrapBody) => kh.manager.wrapKey(kh.of(key, { keyActionWrapBody }));
  await refused(400, 'KEY_ROOT_REQ_ERR', wrap((await kh.standard()).id, {}));
  await refused(404, 'KEY_NOT_FOUND_ERR', wrap('0f5d9a51-0b0e-4a3c-9d0f-3f1c0e6e8a11', {}));
  await refused(400, 'INVALID_FIELD_ERR', wrap(id, { plaintext: 'no base64!' }));
  await refused(400, 'INVALID_FIELD_ERR', wrap(id, { aad: Array(256).fill('x') }));
  await refused(400, 'INVALID_FIELD_ERR', wrap(id, { aad: ['x'.repeat(256)] }));
});

success('unwrapKey', 'with additional data; no new ciphertext while the version is the newest', async (kh) => {
  const { id } = await kh.root();
  const ciphertext = await kh.wrap(id, MESSAGE, AAD);
  const { result } = await kh.manager.unwrapKey(kh.of(id, { keyActionUnwrapBody: { ciphertext, aad: AAD } }));
  assert.deepStrictEqual(Object.keys(result).sort(), ['keyVersion', 'plaintext']);
  assert.strictEqual(Buffer.from(result.plaintext, 'base64').toString(), MESSAGE);
});

success('unwrapKey', 'after a rotation gives the ciphertext of the newest version, which needs no other', async (kh) => {
  const { id } = await kh.root();
  const old = await kh.wrap(id, MESSAGE, AAD);
  await kh.manager.rotateKey(kh.of(id));
  const newest = (await kh.get(id)).keyVersion.id;
  const { result } = await kh.manager.unwrapKey(kh.of(id, { keyActionUnwrapBody: { ciphertext: old, aad: AAD } }));
  assert.strictEqual(result.keyVersion.id, id);
  assert.strictEqual(result.rewrappedKeyVersion.id, newest);
  const again = (await kh.manager.unwrapKey(kh.of(id, { keyActionUnwrapBody: { ciphertext: result.ciphertext, aad: AAD } }))).result;
  assert.strictEqual(again.plaintext, result.plaintext);
  assert.strictEqual(again.keyVersion.id, newest);
  assert(!('ciphertext' in again));
});

refusal('unwrapKey', 'other additional data, another key, an altered text, what is no ciphertext', async (kh) => {
  const { id } = await kh.root();
  const ciphertext = await kh.wrap(id, MESSAGE, AAD);
  const unwrap = (key, keyActionUnwrapBody) => kh.manager.unwrapKey(kh.of(key, { keyActionUnwrapBody }));
  for (const aad of [undefined, [], ['first', 'second'], [...AAD].reverse(), [AAD.join('')]]) {
    await refused(422, 'UNPROCESSABLE_CIPHERTEXT_ERR', unwrap(id, { ciphertext, aad }));
  }
  await refused(422, 'UNPROCESSABLE_CIPHERTEXT_ERR', unwrap((await kh.root()).id, { ciphertext, aad: AAD }));
  const bytes = Buffer.from(ciphertext, 'base64');
  bytes[bytes.length - 1] ^= 1;
  await refused(422, 'UNPROCESSABLE_CIPHERTEXT_ERR', unwrap(id, { ciphertext: base64(bytes), aad: AAD }));
  await refused(400, 'INVALID_FIELD_ERR', unwrap(id, { ciphertext: 'no base64!' }));
  await refused(400, 'INVALID_FIELD_ERR', unwrap(id, { ciphertext: base64('a text of somebody else') }));
});

success('rewrapKey', 'moves a DEK to the newest version without showing it', async (kh) => {
  const { id } = await kh.root();
  const old = await kh.wrap(id, MESSAGE, AAD);
  await kh.manager.rotateKey(kh.of(id));
  const { result } = await kh.manager.rewrapKey(kh.of(id, { keyActionRewrapBody: { ciphertext: old, aad: AAD } }));
  assert.deepStrictEqual(Object.keys(result).sort(), ['ciphertext', 'keyVersion', 'rewrappedKeyVersion']);
  assert.strictEqual(result.keyVersion.id, id);
  assert.strictEqual(result.rewrappedKeyVersion.id, (await kh.get(id)).keyVersion.id);
  assert.strictEqual(await kh.unwrap(id, result.ciphertext, AAD), MESSAGE);
  const fresh = (await kh.manager.rewrapKey(kh.of(id, { keyActionRewrapBody: { ciphertext: result.ciphertext, aad: AAD } }))).result;
  assert.notStrictEqual(fresh.ciphertext, result.ciphertext);
  assert.strictEqual(fresh.keyVersion.id, fresh.rewrappedKeyVersion.id);
});

refusal('rewrapKey', 'other additional data, and a standard key', async (kh) => {
  const { id } = await kh.root();
  const ciphertext = await kh.wrap(id, MESSAGE, AAD);
  await refused(422, 'UNPROCESSABLE_CIPHERTEXT_ERR', kh.manager.rewrapKey(kh.of(id, { keyActionRewrapBody: { ciphertext } })));
  await refused(400, 'KEY_ROOT_REQ_ERR', kh.manager.rewrapKey(kh.of((await kh.standard()).id, { keyActionRewrapBody: { ciphertext } })));
});

success('rotateKey', 'a generated key, without a body and with an empty one', async (kh) => {
  const { id } = await kh.root();
  for (const more of [{}, { keyActionRotateBody: {} }, { prefer: 'return=minimal' }]) {
    const before = (await kh.get(id)).keyVersion.id;
    assert.strictEqual((await kh.manager.rotateKey(kh.of(id, more))).status, 204);
    const key = await kh.get(id);
    assert.notStrictEqual(key.keyVersion.id, before);
    assert(key.lastRotateDate && key.lastUpdateDate);
  }
});

success('rotateKey', 'an imported key, with new material', async (kh) => {
  const { id } = await kh.root({ payload: base64(randomBytes(32)) });
  const old = await kh.wrap(id, MESSAGE);
  await kh.manager.rotateKey(kh.of(id, { keyActionRotateBody: { payload: base64(randomBytes(16)) } }));
  assert.strictEqual(await kh.unwrap(id, old), MESSAGE);
  assert.strictEqual((await kh.get(id)).imported, true);
});

refusal('rotateKey', 'without material, with material, twice in an hour', async (kh) => {
  const { id } = await kh.root({ payload: base64(randomBytes(32)) });
  await refused(400, 'KEY_PAYLOAD_REQ_ERR', kh.manager.rotateKey(kh.of(id)), { type: 'field', name: 'payload' });
  const generated = (await kh.root()).id;
  await refused(400, 'INVALID_QUERY_PARAM_ERR', kh.manager.rotateKey(kh.of(generated, { keyActionRotateBody: { payload: base64(randomBytes(32)) } })), { type: 'query_param', name: 'payload' });
  const hourly = (await kh.root({}, kh.rules)).id;
  await kh.manager.rotateKey(kh.of(hourly, kh.rules));
  await refused(409, 'KEY_ROTATION_NOT_PERMITTED', kh.manager.rotateKey(kh.of(hourly, kh.rules)));
});

// Import tokens and secure import with them.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const { success, refusal, refused } = require('./suite');
const { base64 } = require('./context');

const post = (kh, more = {}) => kh.manager.postImportToken({ ...kh.instance, ...more });
const read = async (kh) => (await kh.manager.getImportToken(kh.instance)).result;

// One token for all imports: the key pair behind it takes the service seconds to make.
async function sharedToken(kh) {
  if (!kh.token) {
    await post(kh, { expiration: 300, maxAllowedRetrievals: 1 });
    kh.token = await read(kh);
  }
  return kh.token;
}

// The four fields of a secure import, made as the vendor's documentation tells. `hash`: sha1 or sha256.
function seal(token, material, { hash = 'sha256', mode = 'gcm', nonce = Buffer.from(token.nonce, 'base64') } = {}) {
  const key = Buffer.from(token.payload, 'base64').toString();
  const payload = crypto.publicEncrypt({ key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, material);
  const iv = crypto.randomBytes(mode === 'gcm' ? 12 : 16);
  const cipher = crypto.createCipheriv(`aes-${8 * material.length}-${mode}`, material, iv);
  const text = [cipher.update(nonce), cipher.final()];
  if (mode === 'gcm') text.push(cipher.getAuthTag());
  return { payload: base64(payload), encryptedNonce: base64(Buffer.concat(text)), iv: base64(iv), encryptionAlgorithm: hash === 'sha1' ? 'RSAES_OAEP_SHA_1' : 'RSAES_OAEP_SHA_256' };
}

async function holds(kh, id, material) {
  const twin = (await kh.root({ payload: base64(material) })).id;
  assert.strictEqual(await kh.unwrap(twin, await kh.wrap(id, 'the same material')), 'the same material');
}

refusal('postImportToken', 'parameters out of range; a Reader may not', async (kh) => {
  for (const more of [{ expiration: 299 }, { expiration: 86401 }, { maxAllowedRetrievals: 0 }, { expiration: 300.5 }]) {
    await refused(400, 'INVALID_FIELD_ERR', post(kh, more));
  }
  await refused(401, null, kh.reader.postImportToken(kh.instance));
});

success('getImportToken', 'is an RSA key of 4096 bits in PEM, and a nonce', async (kh) => {
  const token = await sharedToken(kh);
  const key = crypto.createPublicKey(Buffer.from(token.payload, 'base64').toString());
  assert.deepStrictEqual([key.asymmetricKeyType, key.asymmetricKeyDetails.modulusLength], ['rsa', 4096]);
  assert.strictEqual(Buffer.from(token.nonce, 'base64').length, 12);
});

refusal('getImportToken', 'where none was made', async (kh) => {
  await refused(404, 'IMPORT_TOKEN_NOT_FOUND_ERR', kh.manager.getImportToken(kh.rules));
});

success('createKey', 'securely imports 16, 24 and 32 bytes, each hash with each cipher', async (kh) => {
  const token = await sharedToken(kh);
  for (const hash of ['sha1', 'sha256']) {
    for (const mode of ['cbc', 'gcm']) {
      for (const size of [16, 24, 32]) {
        const material = crypto.randomBytes(size);
        const key = await kh.root(seal(token, material, { hash, mode }));
        assert.strictEqual(key.imported, true);
        await holds(kh, key.id, material);
      }
    }
  }
});

success('rotateKey', 'securely, with a token', async (kh) => {
  const token = await sharedToken(kh);
  const { id } = await kh.root({ payload: base64(crypto.randomBytes(32)) });
  const material = crypto.randomBytes(32);
  await kh.manager.rotateKey(kh.of(id, { keyActionRotateBody: seal(token, material, { hash: 'sha1', mode: 'cbc' }) }));
  await holds(kh, id, material);
});

refusal('createKey', 'a wrong nonce, a wrong IV, one without the other, a standard key, material of 20 bytes', async (kh) => {
  const token = await sharedToken(kh);
  const material = crypto.randomBytes(32);
  const create = (fields) => kh.create({ extractable: false, ...fields });
  for (const mode of ['cbc', 'gcm']) {
    await refused(400, 'INCORRECT_NONCE_ERR', create(seal(token, material, { mode, nonce: crypto.randomBytes(12) })));
  }
  await refused(400, 'INCORRECT_NONCE_IV_ERR', create({ ...seal(token, material), iv: base64(crypto.randomBytes(12)) }));
  for (const missing of ['iv', 'encryptedNonce']) {
    const fields = seal(token, material);
    delete fields[missing];
    await refused(400, 'INVALID_FIELD_ERR', create(fields));
  }
  await refused(400, 'KEY_ROOT_REQ_ERR', create({ ...seal(token, material), extractable: true }));
  await refused(400, 'INVALID_FIELD_ERR', create({ ...seal(token, material), encryptionAlgorithm: 'RSAES_PKCS1' }));
});

success('postImportToken', 'without parameters: ten minutes, one retrieval; it replaces the token before', async (kh) => {
  const before = await sharedToken(kh);
  const { result } = await post(kh);
  assert.strictEqual(result.maxAllowedRetrievals, 1);
  assert.strictEqual(new Date(result.expirationDate) - new Date(result.creationDate), 600000);
  assert.notStrictEqual((await read(kh)).payload, before.payload);
  await assert.rejects(kh.create({ extractable: false, ...seal(before, crypto.randomBytes(32)) }), { status: 400 });
});

success('postImportToken', 'counts its retrievals down', async (kh) => {
  const { result, status } = await post(kh, { expiration: 86400, maxAllowedRetrievals: 2 });
  assert.strictEqual(status, 200);
  assert.deepStrictEqual([result.maxAllowedRetrievals, result.remainingRetrievals], [2, 2]);
  assert.strictEqual(new Date(result.expirationDate) - new Date(result.creationDate), 86400000);
  assert.strictEqual((await read(kh)).remainingRetrievals, 1);
  assert.strictEqual((await read(kh)).remainingRetrievals, 0);
  await refused(409, 'IMPORT_TOKEN_EXPIRED_ERR', kh.manager.getImportToken(kh.instance));
});

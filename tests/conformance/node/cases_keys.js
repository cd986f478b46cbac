// Creating, importing, reading, listing and counting keys, and their versions.
'use strict';
const assert = require('assert');
const { randomBytes } = require('crypto');
const { success, refusal, refused } = require('./suite');
const { KEY_TYPE, UNKNOWN, envelope, base64 } = require('./context');

success('createKey', 'a root key, with every field of the SDK\'s type', async (kh) => {
  const answer = await kh.create({ name: 'full', extractable: false, description: 'a description', tags: ['one', 'two words'], aliases: ['full-1', 'full-2'], expirationDate: '2099-12-31T23:59:59Z' });
  assert.strictEqual(answer.status, 201);
  const [key] = answer.result.resources;
  const { type, name, description, tags, aliases, state, extractable, imported, expirationDate, algorithmType, algorithmMetadata } = key;
  assert.deepStrictEqual(
    { type, name, description, tags, aliases, state, extractable, imported, expirationDate, algorithmType, algorithmMetadata },
    { type: KEY_TYPE, name: 'full', description: 'a description', tags: ['one', 'two words'], aliases: ['full-1', 'full-2'], state: 1, extractable: false, imported: false, expirationDate: '2099-12-31T23:59:59Z', algorithmType: 'AES', algorithmMetadata: { bitLength: '256', mode: 'CBC_PAD' } });
  assert.strictEqual(key.keyVersion.id, key.id);
  assert.deepStrictEqual(key.dualAuthDelete, { enabled: false });
  assert(!('payload' in key) && !('lastUpdateDate' in key));
  assert(answer.headers['correlation-id']);
});

success('createKey', 'echoes the correlation that the caller gives', async (kh) => {
  const answer = await kh.create({ extractable: false }, { correlationId: UNKNOWN });
  assert.strictEqual(answer.headers['correlation-id'], UNKNOWN);
});

success('createKey', 'Prefer decides how much comes back', async (kh) => {
  const minimal = (await kh.create({ extractable: false }, { prefer: 'return=minimal' })).result.resources[0];
  assert(minimal.id && !minimal.name);
  const material = randomBytes(40);
  const full = (await kh.create({ extractable: true, payload: base64(material) }, { prefer: 'return=representation' })).result.resources[0];
  assert.strictEqual(full.payload, base64(material));
  assert(!('payload' in (await kh.create({ extractable: false, payload: base64(randomBytes(32)) }, { prefer: 'return=representation' })).result.resources[0]));
});

success('createKey', 'imports root keys of 16, 24 and 32 bytes, and standard keys of 1 and 7500', async (kh) => {
  for (const size of [16, 24, 32]) {
    const key = await kh.root({ payload: base64(randomBytes(size)) });
    assert.strictEqual(key.imported, true);
    assert.strictEqual(key.algorithmMetadata.bitLength, String(8 * size));
  }
  for (const size of [1, 7500]) {
    const payload = base64(randomBytes(size));
    assert.strictEqual((await kh.get((await kh.standard({ payload })).id)).payload, payload);
  }
});

success('createKey', 'into a ring', async (kh) => {
  const keyRingId = kh.name('ring');
  await kh.manager.createKeyRing({ ...kh.instance, keyRingId });
  const { id } = await kh.root({}, { xKmsKeyRing: keyRingId });
  assert.strictEqual((await kh.get(id)).keyRingID, keyRingId);
  assert.strictEqual((await kh.get(id, { xKmsKeyRing: keyRingId })).id, id);
  await refused(404, 'KEY_NOT_FOUND_ERR', kh.manager.getKey(kh.of(id, { xKmsKeyRing: 'default' })));
});

refusal('createKey', 'fields out of their range', async (kh) => {
  const bad = [{ name: 'x' }, { name: 'x'.repeat(91) }, { description: 'x' }, { description: 'x'.repeat(241) }, { tags: ['a:b'] }, { tags: Array(31).fill('tag') },
    { tags: ['x'.repeat(31)] }, { aliases: ['policies'] }, { aliases: ['a b'] }, { aliases: [UNKNOWN] }, { expirationDate: '2001-01-01T00:00:00Z' },
    { payload: base64(randomBytes(15)) }, { payload: base64(randomBytes(33)) }, { payload: 'no base64!' }];
  for (const fields of bad) await refused(400, 'INVALID_FIELD_ERR', kh.create({ extractable: false, ...fields }));
  await refused(400, 'INVALID_FIELD_ERR', kh.create({ extractable: true, payload: base64(randomBytes(7501)) }));
});

refusal('createKey', 'two keys at once, a wrong total, an unknown ring, a taken alias', async (kh) => {
  const one = { type: KEY_TYPE, name: 'one', extractable: false };
  await refused(400, 'BAD_BODY_ERR', kh.manager.createKey({ ...kh.instance, body: envelope(KEY_TYPE, one, one) }));
  const miscounted = envelope(KEY_TYPE, one);
  miscounted.metadata.collectionTotal = 2;
  await refused(400, 'COLLECTION_TOTAL_MISMATCH_ERR', kh.manager.createKey({ ...kh.instance, body: miscounted }));
  await refused(404, 'KEY_RING_NOT_FOUND_ERR', kh.create({ extractable: false }, { xKmsKeyRing: 'no-such-ring' }));
  const alias = kh.name('taken');
  await kh.root({ aliases: [alias] });
  await refused(409, 'KEY_ALIAS_NOT_UNIQUE_ERR', kh.create({ extractable: false, aliases: [alias] }));
});

success('getKey', 'by id and by alias; a payload only of a standard key', async (kh) => {
  const alias = kh.name('alias');
  const { id } = await kh.root({ aliases: [alias] });
  const key = await kh.get(alias);
  assert.strictEqual(key.id, id);
  assert.strictEqual(key.deleted, false);
  assert.strictEqual(key.lastUpdateDate, key.creationDate);
  assert(!('payload' in key));
  assert.strictEqual(Buffer.from((await kh.get((await kh.standard()).id)).payload, 'base64').length, 32);
});

refusal('getKey', 'an unknown key; a path that is no id', async (kh) => {
  await refused(404, 'KEY_NOT_FOUND_ERR', kh.manager.getKey(kh.of(UNKNOWN)));
  await refused(404, 'KEY_NOT_FOUND_ERR', kh.manager.getKey(kh.of('../keys')));
});

success('getKeyMetadata', 'is the key without its payload', async (kh) => {
  const { id } = await kh.standard();
  const { payload, ...rest } = await kh.get(id);
  assert.deepStrictEqual((await kh.manager.getKeyMetadata(kh.of(id))).result.resources[0], rest);
  assert(payload);
});

refusal('getKeyMetadata', 'of an unknown key', async (kh) => {
  await refused(404, 'KEY_NOT_FOUND_ERR', kh.manager.getKeyMetadata(kh.of(UNKNOWN)));
});

success('getKeys', 'pages by limit and offset, in the order of ids', async (kh) => {
  for (let made = 0; made < 3; made += 1) await kh.root();
  const all = (await kh.manager.getKeys(kh.instance)).result;
  const ids = all.resources.map((key) => key.id);
  assert.strictEqual(all.metadata.collectionTotal, ids.length);
  assert.deepStrictEqual(ids, [...ids].sort());
  const paged = [];
  for (let offset = 0; ; offset += 2) {
    const page = (await kh.manager.getKeys({ ...kh.instance, limit: 2, offset })).result.resources;
    if (page.length === 0) break;
    paged.push(...page.map((key) => key.id));
  }
  assert.deepStrictEqual(paged, ids);
});

success('getKeys', 'filters by state, by several states, by extractable and by ring', async (kh) => {
  const keyRingId = kh.name('ring');
  await kh.manager.createKeyRing({ ...kh.instance, keyRingId });
  const [root, standard, disabled, gone] = [await kh.root({}, { xKmsKeyRing: keyRingId }), await kh.standard({}, { xKmsKeyRing: keyRingId }), await kh.root({}, { xKmsKeyRing: keyRingId }), await kh.root({}, { xKmsKeyRing: keyRingId })].map((key) => key.id);
  await kh.manager.disableKey(kh.of(disabled));
  await kh.manager.deleteKey(kh.of(gone));
  const ids = async (query) => (await kh.manager.getKeys({ ...kh.instance, xKmsKeyRing: keyRingId, ...query })).result.resources.map((key) => key.id).sort();
  assert.deepStrictEqual(await ids({}), [root, standard, disabled].sort());
  assert.deepStrictEqual(await ids({ state: [5] }), [gone]);
  assert.deepStrictEqual(await ids({ state: [2, 5] }), [disabled, gone].sort());
  assert.deepStrictEqual(await ids({ extractable: true }), [standard]);
  assert.deepStrictEqual(await ids({ extractable: false }), [root, disabled].sort());
  const count = async (query) => Number((await kh.manager.getKeyCollectionMetadata({ ...kh.instance, xKmsKeyRing: keyRingId, ...query })).headers['key-total']);
  assert.deepStrictEqual([await count({}), await count({ state: [2, 5] }), await count({ extractable: false })], [3, 2, 2]);
});

refusal('getKeys', 'limits and states that are none', async (kh) => {
  for (const query of [{ limit: 0 }, { limit: 5001 }, { limit: -1 }, { offset: -1 }, { state: [4] }, { state: [7] }]) {
    await refused(400, 'INVALID_QUERY_PARAM_ERR', kh.manager.getKeys({ ...kh.instance, ...query }));
  }
  assert.strictEqual((await kh.manager.getKeys({ ...kh.instance, limit: 5000 })).status, 200);
});

success('getKeyCollectionMetadata', 'counts in a header, without a body', async (kh) => {
  const count = async () => Number((await kh.manager.getKeyCollectionMetadata(kh.instance)).headers['key-total']);
  const before = await count();
  const { id } = await kh.root();
  assert.strictEqual(await count(), before + 1);
  await kh.manager.deleteKey(kh.of(id));
  assert.strictEqual(await count(), before);
});

refusal('getKeyCollectionMetadata', 'a foreign instance', async (kh) => {
  // An answer to HEAD has no body: all that the SDK has is the status.
  await assert.rejects(kh.manager.getKeyCollectionMetadata({ bluemixInstance: UNKNOWN }), { status: 401 });
});

success('getKeyVersions', 'newest first, in pages', async (kh) => {
  const { id } = await kh.root();
  for (let turn = 0; turn < 3; turn += 1) await kh.manager.rotateKey(kh.of(id));
  const { result } = await kh.manager.getKeyVersions(kh.of(id));
  assert.strictEqual(result.metadata.collectionTotal, 4);
  assert.strictEqual(result.resources[3].id, id);
  assert.strictEqual(result.resources[0].id, (await kh.get(id)).keyVersion.id);
  assert(result.resources.every((version) => version.creationDate.endsWith('Z')));
  const page = (await kh.manager.getKeyVersions(kh.of(id, { limit: 2, offset: 1 }))).result;
  assert.strictEqual(page.metadata.collectionTotal, 2);
  assert.deepStrictEqual(page.resources, result.resources.slice(1, 3));
});

refusal('getKeyVersions', 'of a standard key, of one that is not active, a limit of 0', async (kh) => {
  await refused(400, 'KEY_ROOT_REQ_ERR', kh.manager.getKeyVersions(kh.of((await kh.standard()).id)));
  const { id } = await kh.root();
  await refused(400, 'INVALID_QUERY_PARAM_ERR', kh.manager.getKeyVersions(kh.of(id, { limit: 0 })));
  await kh.manager.disableKey(kh.of(id));
  await refused(409, 'KEY_ACTION_INVALID_STATE_ERR', kh.manager.getKeyVersions(kh.of(id)));
});

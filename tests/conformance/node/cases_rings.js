// Aliases and key rings.
'use strict';
const assert = require('assert');
const { success, refusal, refused } = require('./suite');
const { UNKNOWN } = require('./context');

success('createKeyAlias', 'the key answers to it, first made first named', async (kh) => {
  const { id } = await kh.root();
  const [first, second] = [kh.name('alias'), kh.name('Alias_')];
  const [resource] = (await kh.manager.createKeyAlias(kh.of(id, { alias: first }))).result.resources;
  assert.deepStrictEqual([resource.keyId, resource.alias], [id, first]);
  assert(resource.createdBy && resource.creationDate.endsWith('Z'));
  await kh.manager.createKeyAlias(kh.of(first, { alias: second }));
  assert.deepStrictEqual((await kh.get(second)).aliases, [first, second]);
});

refusal('createKeyAlias', 'one that is taken, reserved, badly spelled, shaped like an id, or the sixth', async (kh) => {
  const { id } = await kh.root();
  const other = (await kh.root()).id;
  const make = (alias, key = id) => kh.manager.createKeyAlias(kh.of(key, { alias }));
  const taken = kh.name('taken');
  await make(taken);
  await refused(409, 'KEY_ALIAS_NOT_UNIQUE_ERR', make(taken, other));
  for (const bad of ['x', 'x'.repeat(91), 'a b', 'a/b', 'versions', 'registrations', UNKNOWN]) await refused(400, 'INVALID_FIELD_ERR', make(bad));
  await refused(404, 'KEY_NOT_FOUND_ERR', make(kh.name('alias'), UNKNOWN));
  for (let made = 1; made < 5; made += 1) await make(kh.name('more'));
  await refused(409, 'KEY_ALIAS_LIMIT_ERR', make(kh.name('more')));
});

success('deleteKeyAlias', 'frees it for another key', async (kh) => {
  const { id } = await kh.root();
  const other = (await kh.root()).id;
  const alias = kh.name('moving');
  await kh.manager.createKeyAlias(kh.of(id, { alias }));
  assert.strictEqual((await kh.manager.deleteKeyAlias(kh.of(id, { alias }))).status, 204);
  await kh.manager.createKeyAlias(kh.of(other, { alias }));
  assert.strictEqual((await kh.get(alias)).id, other);
});

refusal('deleteKeyAlias', 'one that the key does not have; a Writer may not', async (kh) => {
  const { id } = await kh.root();
  await assert.rejects(kh.manager.deleteKeyAlias(kh.of(id, { alias: 'not-there' })), { status: 404 });
  const alias = kh.name('kept');
  await kh.manager.createKeyAlias(kh.of(id, { alias }));
  await refused(401, null, kh.writer.deleteKeyAlias(kh.of(id, { alias })));
});

const rings = async (kh) => (await kh.manager.listKeyRings(kh.instance)).result;

success('createKeyRing', 'answers 201 and is listed', async (kh) => {
  const keyRingId = kh.name('ring');
  assert.strictEqual((await kh.manager.createKeyRing({ ...kh.instance, keyRingId })).status, 201);
  assert((await rings(kh)).resources.some((ring) => ring.id === keyRingId));
});

refusal('createKeyRing', 'one that exists, the default one, and bad names', async (kh) => {
  const keyRingId = kh.name('ring');
  await kh.manager.createKeyRing({ ...kh.instance, keyRingId });
  await refused(409, 'KEY_RING_RESOURCE_EXISTS_ERR', kh.manager.createKeyRing({ ...kh.instance, keyRingId }));
  for (const bad of ['default', 'x', 'x'.repeat(101), 'a.b']) {
    await assert.rejects(kh.manager.createKeyRing({ ...kh.instance, keyRingId: bad }), (error) => [400, 409].includes(error.status));
  }
});

success('listKeyRings', 'the default ring first, without date and creator', async (kh) => {
  await kh.manager.createKeyRing({ ...kh.instance, keyRingId: kh.name('ring') });
  const { metadata, resources } = await rings(kh);
  assert.strictEqual(metadata.collectionTotal, resources.length);
  assert.deepStrictEqual(resources[0], { id: 'default' });
  assert(resources.slice(1).every((ring) => ring.creationDate.endsWith('Z') && ring.createdBy));
});

refusal('listKeyRings', 'an identity without a role', async (kh) => {
  await refused(401, null, kh.nobody.listKeyRings(kh.instance));
});

success('deleteKeyRing', 'an empty one', async (kh) => {
  const keyRingId = kh.name('ring');
  await kh.manager.createKeyRing({ ...kh.instance, keyRingId });
  assert.strictEqual((await kh.manager.deleteKeyRing({ ...kh.instance, keyRingId })).status, 204);
  assert(!(await rings(kh)).resources.some((ring) => ring.id === keyRingId));
});

refusal('deleteKeyRing', 'one with a key, even a destroyed one; the default one; a Writer may not', async (kh) => {
  const keyRingId = kh.name('ring');
  await kh.manager.createKeyRing({ ...kh.instance, keyRingId });
  const { id } = await kh.root({}, { xKmsKeyRing: keyRingId });
  await refused(409, 'KEY_RING_NOT_EMPTY_ERR', kh.manager.deleteKeyRing({ ...kh.instance, keyRingId }));
  await kh.manager.deleteKey(kh.of(id));
  await refused(409, 'KEY_RING_NOT_EMPTY_ERR', kh.manager.deleteKeyRing({ ...kh.instance, keyRingId }));
  await assert.rejects(kh.manager.deleteKeyRing({ ...kh.instance, keyRingId: 'default' }), (error) => [400, 409].includes(error.status));
  await refused(401, null, kh.writer.deleteKeyRing({ ...kh.instance, keyRingId }));
});

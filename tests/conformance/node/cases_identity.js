// Tokens, external configuration, roles.
'use strict';
const assert = require('assert');
const { IamTokenManager } = require('@ibm-cloud/ibm-key-protect/auth');
const { success, refusal, refused } = require('./suite');
const { KeyProtectV2, client } = require('./context');

const env = process.env;

success('newInstance', 'from external configuration', async (kh) => {
  Object.assign(env, {
    IBM_KEY_PROTECT_API_URL: env.KH_URL,
    IBM_KEY_PROTECT_API_AUTH_TYPE: 'iam',
    IBM_KEY_PROTECT_API_APIKEY: env.KH_APIKEY,
    IBM_KEY_PROTECT_API_AUTH_URL: env.KH_IAM_URL,
  });
  assert.strictEqual((await KeyProtectV2.newInstance().getKeys(kh.instance)).status, 200);
});

refusal('newInstance', 'with an unknown API key: the identity service\'s message', async (kh) => {
  Object.assign(env, {
    IBM_KEY_PROTECT_API_URL: env.KH_URL,
    IBM_KEY_PROTECT_API_AUTH_TYPE: 'iam',
    IBM_KEY_PROTECT_API_APIKEY: 'no-such-key',
    IBM_KEY_PROTECT_API_AUTH_URL: env.KH_IAM_URL,
  });
  await assert.rejects(KeyProtectV2.newInstance().getKeys(kh.instance), (error) => {
    assert.strictEqual(error.status, 400);
    assert(error.message.length > 0);
    assert.strictEqual(JSON.parse(error.body).errorCode, 'BXNIM0415E');
    return true;
  });
});

success('IamTokenManager.getToken', 'computes its life from the token, keeps it, and refreshes it in time', async () => {
  const tokens = new IamTokenManager({ apikey: env.KH_APIKEY, url: env.KH_IAM_URL });
  const first = await tokens.getToken();
  const claims = JSON.parse(Buffer.from(first.split('.')[1], 'base64').toString());
  assert.strictEqual(tokens.expireTime, claims.exp);
  assert(claims.iat <= Math.ceil(Date.now() / 1000), 'issued in the future');
  assert.strictEqual(await tokens.getToken(), first);
  tokens.refreshTime = 1;
  assert.strictEqual(await tokens.getToken(), first, 'a good token is given while the next one is fetched');
  tokens.expireTime = 1;
  assert.strictEqual((await tokens.getToken()).split('.').length, 3);
  assert(tokens.expireTime > Date.now() / 1000, 'the new token is over');
});

success('IamTokenManager.getToken', 'with a client id, a client secret and a scope', async () => {
  const tokens = new IamTokenManager({ apikey: env.KH_APIKEY, url: `${env.KH_IAM_URL}`, clientId: 'bx', clientSecret: 'bx', scope: 'ibm openid' });
  assert.strictEqual((await tokens.getToken()).split('.').length, 3);
});

refusal('IamTokenManager.getToken', 'an unknown API key', async () => {
  const tokens = new IamTokenManager({ apikey: 'no-such-key', url: env.KH_IAM_URL });
  await assert.rejects(tokens.getToken(), (error) => error.status === 400 && JSON.parse(error.body).errorCode === 'BXNIM0415E');
});

success('getKeys', 'an identity without a role sees an empty list', async (kh) => {
  assert.deepStrictEqual((await kh.nobody.getKeys(kh.instance)).result.resources, []);
});

refusal('getKeys', 'a foreign instance is unauthorized; one that is no id is a bad request', async (kh) => {
  await refused(401, null, kh.manager.getKeys({ bluemixInstance: '11111111-2222-4333-8444-555555555555' }));
  await assert.rejects(kh.manager.getKeys({ bluemixInstance: 'no-id' }), (error) => {
    assert.strictEqual(error.status, 400);
    assert(JSON.parse(error.body).resources[0].errorMsg.includes('Bluemix-Instance'));
    return true;
  });
});

refusal('createKey', 'a Reader is refused', async (kh) => {
  await refused(401, null, kh.create({ extractable: false }, {}, kh.reader));
});

refusal('getKey', 'a Reader gets no payload', async (kh) => {
  await refused(401, null, kh.reader.getKey(kh.of((await kh.standard()).id)));
});

success('getKeyMetadata', 'a Reader gets metadata', async (kh) => {
  assert.strictEqual((await kh.reader.getKeyMetadata(kh.of((await kh.standard()).id))).status, 200);
});

refusal('deleteKey', 'a Writer is refused', async (kh) => {
  const { id } = await kh.root();
  await refused(401, null, kh.writer.deleteKey(kh.of(id)));
  assert.strictEqual((await kh.get(id)).state, 1);
});

success('getKeys', 'works with a second client on the same connection pool', async (kh) => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => client('KH_APIKEY').getKeys({ ...kh.instance, limit: 1 })));
  assert(answers.every((answer) => answer.status === 200));
});

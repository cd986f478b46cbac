// The clients of the Node driver and what its cases share.
'use strict';
const KeyProtectV2 = require('@ibm-cloud/ibm-key-protect/ibm-key-protect-api/v2');
const { IamAuthenticator } = require('@ibm-cloud/ibm-key-protect/auth');

const KEY_TYPE = 'application/vnd.ibm.kms.key+json';
const POLICY_TYPE = 'application/vnd.ibm.kms.policy+json';
const UNKNOWN = '0f5d9a51-0b0e-4a3c-9d0f-3f1c0e6e8a11';
const env = process.env;

function client(variable) {
  return new KeyProtectV2({
    authenticator: new IamAuthenticator({ apikey: env[variable], url: env.KH_IAM_URL }),
    serviceUrl: env.KH_URL,
  });
}

const envelope = (type, ...resources) => ({ metadata: { collectionType: type, collectionTotal: resources.length }, resources });
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

class Context {
  constructor() {
    this.instance = { bluemixInstance: env.KH_INSTANCE };
    this.rules = { bluemixInstance: env.KH_INSTANCE_RULES };
    this.manager = client('KH_APIKEY');
    this.second = client('KH_APIKEY_2');
    this.writer = client('KH_APIKEY_WRITER');
    this.reader = client('KH_APIKEY_READER');
    this.nobody = client('KH_APIKEY_NOBODY');
    this.number = 0;
  }

  // Waiting for restore and enable starts before the first case, so that the run waits once.
  async begin() {
    this.deleted = (await this.root()).id;
    this.deletedText = await this.wrap(this.deleted, 'before the deletion');
    await this.manager.deleteKey(this.of(this.deleted));
    this.disabled = (await this.root()).id;
    await this.manager.disableKey(this.of(this.disabled));
    this.waitingOver = Date.now() + 1000 * Number(env.KH_RESTORE_WAIT) + 1500;
  }

  name(prefix = 'key') {
    this.number += 1;
    return `${prefix}-${this.number}`;
  }

  // The parameters of a call on a key.
  of(id, more = {}) {
    return { ...this.instance, id, ...more };
  }

  // Creates a key; returns the SDK's answer. `options` are parameters of the call beside the body.
  create(resource, options = {}, by = this.manager) {
    const body = envelope(KEY_TYPE, { type: KEY_TYPE, name: this.name(), ...resource });
    return by.createKey({ ...this.instance, body, ...options });
  }

  async key(resource, options) {
    return (await this.create(resource, options)).result.resources[0];
  }

  root(resource = {}, options = {}) {
    return this.key({ extractable: false, ...resource }, options);
  }

  standard(resource = {}, options = {}) {
    return this.key({ extractable: true, ...resource }, options);
  }

  async get(id, where = {}) {
    return (await this.manager.getKey(this.of(id, where))).result.resources[0];
  }

  async wrap(id, text, aad) {
    return (await this.manager.wrapKey(this.of(id, { keyActionWrapBody: { plaintext: base64(text), aad } }))).result.ciphertext;
  }

  async unwrap(id, ciphertext, aad) {
    const answer = await this.manager.unwrapKey(this.of(id, { keyActionUnwrapBody: { ciphertext, aad } }));
    return Buffer.from(answer.result.plaintext, 'base64').toString('utf8');
  }
}

module.exports = { Context, KeyProtectV2, KEY_TYPE, POLICY_TYPE, UNKNOWN, envelope, base64, client };

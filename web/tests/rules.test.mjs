// What can be tested without a browser: rules of keys, errors, routes, texts, the encryption of secure import.
import assert from "node:assert/strict";
import { createDecipheriv, constants, generateKeyPairSync, privateDecrypt, randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { load, unload } from "./modules.mjs";

after(unload);

const root = { state: 1, extractable: false, imported: false, dualAuthDelete: { enabled: false } };

test("each state of a key offers what the API permits in it", async () => {
  const { actionsOf } = await load("keys/rules.ts");
  const has = (key, ...names) => names.map((name) => (actionsOf(key).includes(name) ? name : `no ${name}`));
  const rows = [
    [root, ["rotate", "disable", "move", "delete", "no enable", "no restore", "no purge", "no schedule"]],
    [{ ...root, state: 2 }, ["enable", "no disable", "no rotate", "delete"]],
    [{ ...root, state: 3 }, ["rotate", "no disable", "no enable", "delete"]],
    [{ ...root, state: 5, restoreAllowed: true }, ["restore", "purge", "no delete", "no rotate", "no move"]],
    [{ ...root, state: 5, restoreAllowed: false }, ["no restore", "purge"]],
    [{ ...root, extractable: true }, ["no rotate", "no disable", "no sync", "delete", "move"]],
    [{ ...root, imported: true }, ["rotate", "no rotationPolicy"]],
    [{ ...root, dualAuthDelete: { enabled: true } }, ["schedule", "no delete", "no unschedule"]],
    [{ ...root, dualAuthDelete: { enabled: true, keySetForDeletion: true } }, ["no schedule", "unschedule", "delete"]],
  ];
  for (const [key, wanted] of rows) assert.deepEqual(has(key, ...wanted.map((name) => name.replace("no ", ""))), wanted);
});

test("names, aliases and material are judged as the server judges them", async () => {
  const { isName, isAlias, isDescription, materialFault, splitAliases, tooManyAliases } = await load("keys/rules.ts");
  assert.deepEqual(["a", "ab", "😀😀", "x".repeat(90), "x".repeat(91)].map(isName), [false, true, true, true, false]);
  assert.deepEqual(["", "a", "ab", "x".repeat(240), "x".repeat(241)].map(isDescription), [true, false, true, true, false]);
  assert.deepEqual(["a", "ab", "a b", "keys", "rewrap", "Keys", "2291e4ae-a14c-4af9-88f0-27c0cb2739e2"].map(isAlias), [false, true, false, false, false, true, false]);
  assert.deepEqual(splitAliases(" one, two ,,three"), ["one", "two", "three"]);
  assert.ok(tooManyAliases(["1", "2", "3", "4", "5", "6"]) && !tooManyAliases(["1", "2", "3", "4", "5"]));
  const fault = (bytes, isRoot) => materialFault(Buffer.alloc(bytes).toString("base64"), isRoot).fault;
  assert.deepEqual([15, 16, 17, 24, 31, 32, 33].map((bytes) => fault(bytes, true)), ["length", "none", "length", "none", "length", "none", "length"]);
  assert.deepEqual([1, 7500, 7501].map((bytes) => fault(bytes, false)), ["none", "none", "long"]);
  assert.equal(materialFault("@@@@", false).fault, "notBase64");
});

test("error bodies of every form become words, code and target", async () => {
  const { errorOf } = await load("api/error.ts");
  const of = (status, body) => {
    const { code, message, target } = errorOf(status, typeof body === "string" ? body : JSON.stringify(body), "id");
    return [code, message, target?.name];
  };
  const reasons = [{ code: "KEY_NOT_FOUND_ERR", message: "the instance has no such key", status: 404, target: { type: "field", name: "id" } }];
  assert.deepEqual(of(404, { resources: [{ errorMsg: "Not Found: x (KEY_NOT_FOUND_ERR)", reasons }] }), ["KEY_NOT_FOUND_ERR", "The instance has no such key", "id"]);
  assert.deepEqual(of(401, { resources: [{ errorMsg: "Unauthorized: the caller has no right (UNAUTHORIZED_ERR)" }] }), ["UNAUTHORIZED_ERR", "The caller has no right", undefined]);
  assert.deepEqual(of(400, { errorCode: "BXNIM0415E", errorMessage: "Provided API key could not be found" }), ["BXNIM0415E", "Provided API key could not be found", undefined]);
  assert.deepEqual(of(502, "<html>bad gateway</html>"), ["HTTP_ERR", "", undefined]);
  assert.deepEqual(of(500, ""), ["HTTP_ERR", "", undefined]);
});

test("routes match whole segments and decode them", async () => {
  const { match, fillPath } = await load("shell/paths.ts");
  assert.deepEqual(match("/instances/:instance/keys/:key", "/instances/a%2Fb/keys/%ED%82%A4"), { instance: "a/b", key: "키" });
  assert.equal(match("/instances/:instance", "/instances/"), null);
  assert.equal(match("/instances/:instance", "/instances/a/b"), null);
  assert.deepEqual(match("/a/:b", "/a/%"), { b: "%" });
  assert.equal(fillPath("/instances/:instance/keys/:key", { instance: "a/b", key: "?" }), "/instances/a%2Fb/keys/%3F");
});

test("material encrypted in the page opens with the unit's key, and is wiped", async () => {
  const { encryptForToken } = await load("keys/encrypt.ts");
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 4096 });
  const nonce = randomBytes(12);
  const token = { payload: Buffer.from(publicKey.export({ type: "spki", format: "pem" })).toString("base64"), nonce: nonce.toString("base64") };
  for (const bytes of [16, 32]) {
    const key = randomBytes(bytes);
    const given = new Uint8Array(key);
    const sealed = await encryptForToken(token, given);
    assert.ok(given.every((byte) => byte === 0));
    const opened = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, Buffer.from(sealed.payload, "base64"));
    assert.deepEqual(opened, key);
    const encrypted = Buffer.from(sealed.encryptedNonce, "base64");
    const decipher = createDecipheriv(`aes-${bytes * 8}-gcm`, key, Buffer.from(sealed.iv, "base64"));
    decipher.setAuthTag(encrypted.subarray(-16));
    assert.deepEqual(Buffer.concat([decipher.update(encrypted.subarray(0, -16)), decipher.final()]), nonce);
  }
});

test("a placeholder without a value stays, and a value is never read as one", async () => {
  const { fillText } = await load("i18n/fill.ts");
  assert.equal(fillText("{name} in {ring}", { name: "{ring}" }), "{ring} in {ring}");
  assert.equal(fillText("{toString} {name}", { name: "$& $1" }), "{toString} $& $1");
  const units = (count) => fillText("{count} {count|unit has|units have} keys", { count });
  assert.deepEqual([0, 1, 2, "1", "1,001"].map(units), ["0 units have keys", "1 unit has keys", "2 units have keys", "1 unit has keys", "1,001 units have keys"]);
});

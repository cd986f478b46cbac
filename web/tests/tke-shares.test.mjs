// Shares and paper of key parts in TypeScript against what others made: vectors of the standards, the examples of
// docs/protocols/key-shares.md, and the C++ program in both directions.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { constants, createHash, generateKeyPairSync, privateEncrypt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
after(unload);
const root = fileURLToPath(new URL("../../", import.meta.url));
const text = (path) => readFileSync(join(root, path), "utf8");
const hex = (digits) => tke.fromHex(digits.replaceAll(" ", ""));
const refuses = (work, code, words) => assert.rejects(async () => work(), (error) => error.code === code && (!words || words.test(error.message)));
const PASSWORD = "correct horse battery staple";
const keyhaven = join(process.env.KH_BUILD ?? join(root, "build/dev"), "bin/keyhaven");
const PART = Uint8Array.from({ length: 32 }, (_, at) => at);

describe("Argon2id", () => {
  // src/crypto/argon2_test.cc: values of the reference implementation's own test program.
  for (const [memoryKib, passes, lanes, password, expected] of [
    [256, 2, 1, "password", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"],
    [256, 2, 2, "password", "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"],
    [65536, 1, 1, "password", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"],
  ]) {
    test(`Argon2id with ${memoryKib} KiB, ${passes} passes, ${lanes} lanes`, async () => {
      assert.equal(tke.toHex(await tke.argon2id(tke.utf8(password), tke.utf8("somesalt"), { memoryKib, passes, lanes }, 32)), expected);
    });
  }
});

describe("sharing", () => {
  const { products, cases } = JSON.parse(text("tests/shamir/vectors.json"));

  test("products and shares are those of an independent implementation", () => {
    for (const [a, b, product] of products) assert.equal(tke.multiply(a, b), product);
    for (const { threshold, secret, coefficients, shares } of cases) {
      const made = tke.splitSecret(hex(secret), threshold, shares.length, hex(coefficients));
      assert.deepEqual(made.map(({ y }) => tke.toHex(y)), shares.map((share) => (share.length > secret.length ? share.slice(2) : share)));
      assert.equal(tke.toHex(tke.combineShares(made.slice(-threshold))), secret);
    }
  });

  test("numbers out of their limits and shares that do not fit together are refused", async () => {
    for (const [threshold, count] of [[1, 3], [4, 3], [2, 17], [2.5, 3], [NaN, 3]]) await refuses(() => tke.splitSecret(PART, threshold, count), "shares");
    const [one, two] = tke.splitSecret(PART, 2, 3);
    for (const wrong of [[one], [one, one], [one, { ...two, x: 0 }], [one, { ...two, x: 17 }], [one, { ...two, y: two.y.slice(1) }]]) await refuses(() => tke.combineShares(wrong), "shares");
  });
});

async function newSet(threshold = 2, count = 3) {
  const { opened: signer } = await tke.newSignatureKey("ada", PASSWORD);
  const made = await tke.makeShares(PART, "part of ada", "2026-11-26T10:00:00Z", threshold, count);
  await tke.signTranscript(made.transcript, [signer]);
  return { ...made, signer };
}

describe("shares of a key part", () => {
  test("any of them in sufficient number give the part back; too few, a wrong, a foreign, a repeated one do not", async () => {
    const { transcript, shares, signer } = await newSet();
    await tke.verifyTranscript(transcript, [signer.ski]);
    for (const chosen of [[0, 1], [0, 2], [2, 1], [0, 1, 2]]) assert.deepEqual(await tke.combineKeyShares(transcript, chosen.map((at) => shares[at])), PART);
    const foreign = (await newSet()).shares[1];
    const changed = { ...shares[1], y: shares[1].y.map((byte, at) => (at === 3 ? byte ^ 1 : byte)) };
    await refuses(() => tke.combineKeyShares(transcript, [shares[0]]), "shares", /^1 share is missing: key part part of ada needs 2 of the 3 shares/);
    await refuses(() => tke.combineKeyShares(transcript, [shares[0], changed]), "shares", /^share 2 of set [0-9a-f]{16} is wrong/);
    await refuses(() => tke.combineKeyShares(transcript, [shares[0], foreign]), "shares", /belongs to another set/);
    await refuses(() => tke.combineKeyShares(transcript, [shares[0], shares[0]]), "shares", /is given twice/);
    await refuses(() => tke.combineKeyShares(transcript, [shares[0], { ...shares[1], threshold: 3 }]), "shares", /does not fit the transcript/);
  });

  test("a transcript that was changed, is not signed, or signed by strangers only is refused", async () => {
    const { transcript, signer } = await newSet();
    const again = await tke.parseTranscript(tke.encodeTranscript(transcript));
    await tke.verifyTranscript(again, [signer.ski]);
    await refuses(() => tke.verifyTranscript(again, []), "shares", /^nobody whom you trust signed[\s\S]*ada [0-9a-f]{64}$/);
    await refuses(() => tke.verifyTranscript({ ...again, label: "another part" }, [signer.ski]), "shares", /was changed: the signature of ada/);
    await refuses(() => tke.verifyTranscript({ ...again, signatures: [] }, [signer.ski]), "shares", /is not signed/);
    await refuses(() => tke.signTranscript(transcript, [signer]), "shares", /sign with the same key/);
    // Nobody has signed when one of them may not.
    const [{ opened: first }, { opened: unnamed }] = [await tke.newSignatureKey("grace", PASSWORD), await tke.newSignatureKey("linus", PASSWORD)];
    for (const signers of [[first, { ...unnamed, name: "" }], [first, first], [first, signer]]) await refuses(() => tke.signTranscript(transcript, signers), "shares");
    assert.deepEqual(transcript.signatures.map(({ name }) => name), ["ada"]);
    const whole = tke.encodeTranscript(transcript);
    for (const bad of ["", whole.slice(0, -1), `${whole}\n`, whole.replace("set ", "set  "), whole.replace("2 of 3", "1 of 3"), whole.replace("commitment 2", "commitment 3"), whole.replace("T10:", "T99:"), whole.toUpperCase(), `${whole}${"x".repeat(12288)}`]) {
      await refuses(() => tke.parseTranscript(bad), "shares");
    }
  });

  test("a share's file opens with its password; its number is bound to it", async () => {
    const { transcript, shares } = await newSet();
    const file = await tke.writeShare(shares[1], transcript, PASSWORD);
    assert.ok(!file.includes(tke.toHex(shares[1].y)));
    assert.equal((await tke.inspectShare(file)).x, 2);
    assert.deepEqual((await tke.openShare(file, PASSWORD)).share, shares[1]);
    await refuses(() => tke.openShare(file, "another password"), "password");
    await refuses(() => tke.openShare(JSON.stringify({ ...JSON.parse(file), share: "3" }), PASSWORD), "password");
    await refuses(() => tke.openShare(JSON.stringify({ ...JSON.parse(file), share: "4" }), PASSWORD), "keyFile");
    await refuses(() => tke.openShare(text("docs/protocols/examples/example.mkpart"), PASSWORD), "keyFile");
    await refuses(() => tke.writeShare(shares[1], transcript, "short"), "weakPassword");
  });
});

describe("paper", () => {
  const printed = [...text("docs/protocols/key-shares.md").matchAll(/^ {4}(\d) {2}(\S{4} \S{4}) {2}(\S{4}) {3}(.*?) {2}(\S+ \S+)$/gm)].map(([, number, digits, check, words, checkWords]) => ({ number: Number(number), digits, check, words, checkWords }));
  const readAll = async (kind, typed) => tke.contentOfLines(kind, await Promise.all(typed.map((line, at) => tke.readLine(kind, at + 1, line))));

  test("the example of the document, line by line, and back from digits and from words", async () => {
    assert.equal(printed.length, 9);
    assert.deepEqual(await tke.paperLines("part", PART), printed);
    assert.deepEqual(await readAll("part", printed.map(({ digits, check }) => `${digits} ${check}`)), PART);
    assert.deepEqual(await readAll("part", printed.map(({ number, words, checkWords }) => `${number}:  ${words.toUpperCase()}\t${checkWords}`)), PART);
    const { shares } = await newSet();
    const lines = await tke.paperLines("share", tke.contentOfShare(shares[0]));
    assert.equal(lines.length, 16);
    assert.deepEqual(tke.shareOfContent(await readAll("share", lines.map(({ digits, check }) => digits + check))), shares[0]);
  });

  // The rows of paper_test.cc.
  for (const [line, words] of [
    ["0001 0203 b4b4", /^line 1 does not fit its check: a digit is wrong/],
    ["2: 0001 0203 b4b3", /^line 1 is expected, but another number/],
    ["0001 0203 b4", /^line 1 has 10 digits, not 12/],
    ["0001 0203 b4b3 1", /^line 1 has more than 12 digits/],
    ["0001 020x b4b3", /^line 1, digit 8 is not 0 to 9 or a to f/],
    ["banban bandar banfal bangas rishen", /^line 1 has 5 words, not 6/],
    ["banban bandar banfal bangas rishen risgas risgas", /^line 1 has more than 6 words/],
    ["banban bandar banfol bangas rishen risgas", /^line 1, word 3 is not a check word/],
    ["banban bandar banfal banhen rishen risgas", /^line 1 does not fit its check: a word is wrong/],
    ["0405 0607 f973", /^line 1 does not fit its check/],
    ["a".repeat(300), /^line 1 is too long/],
    ["", /^line 1 has 0 digits/],
  ]) {
    test(`a wrong line is named: ${line.slice(0, 40)}`, () => refuses(() => tke.readLine("part", 1, line), "paper", words));
  }

  test("lines of two papers do not pass, nor too few, nor what is no share", async () => {
    const other = await tke.paperLines("part", PART.map((byte) => byte ^ 1));
    const mixed = printed.map((line, at) => (at === 3 ? other[at] : line)).map(({ digits, check }) => digits + check);
    await refuses(() => readAll("part", mixed), "paper", /^line 9 does not fit the lines before/);
    await refuses(() => readAll("part", mixed.slice(0, 5)), "paper", /^line 6 is missing/);
    const { shares } = await newSet();
    await refuses(() => tke.shareOfContent(tke.contentOfShare({ ...shares[0], x: 9 })), "paper");
  });
});

describe("with keyhaven tke", () => {
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), "keyhaven-shares-"))));
  after(() => rmSync(folder, { recursive: true }));
  const at = (name) => join(folder, name);
  const run = async (...command) => JSON.parse((await promisify(execFile)(keyhaven, ["--output", "json", "tke", ...command], { env: { ...process.env, CLOUDTKEFILES: folder, HOME: folder } })).stdout);

  test("shares that the program made are combined here, and those made here by the program", async () => {
    writeFileSync(at("password"), PASSWORD, { mode: 0o600 });
    const { opened: signer, text: sigkey } = await tke.newSignatureKey("ada", PASSWORD);
    writeFileSync(at("ada.sigkey"), sigkey, { mode: 0o600 });
    const { opened: part, text: mkpart } = await tke.newKeyPart("part1", PASSWORD);
    writeFileSync(at("part1.mkpart"), mkpart, { mode: 0o600 });
    const passwords = Array.from({ length: 3 }, () => ["--password-file", at("password")]).flat();
    const { files } = await run("mk-share", `part1:${at("password")}`, "--threshold", "2", "--shares", "3", "--signer", `ada:${at("password")}`, ...passwords);
    const opened = [];
    for (const path of files.slice(1)) opened.push(await tke.openShare(readFileSync(path, "utf8"), PASSWORD));
    await tke.verifyTranscript(opened[0].transcript, [signer.ski]);
    assert.deepEqual(await tke.combineKeyShares(opened[0].transcript, opened.map(({ share }) => share)), part.value);
    const made = await tke.makeShares(part.value, "part1", "2026-11-26T10:00:00Z", 2, 2);
    await tke.signTranscript(made.transcript, [signer]);
    const shares = [];
    for (const share of made.shares) {
      const path = at(`own-${share.x}.mkshare`);
      writeFileSync(path, await tke.writeShare(share, made.transcript, PASSWORD), { mode: 0o600 });
      shares.push("--share", `${path}:${at("password")}`);
    }
    const back = await run("mk-combine", "back", ...shares, "--password-file", at("password"));
    assert.equal(back.verification_pattern, tke.toHex(part.pattern));
  });

  test("a page that the program printed is read here, and one printed here by the program", async () => {
    const part = await tke.openKeyPartFile(readFileSync(at("part1.mkpart"), "utf8"), PASSWORD);
    await run("mk-print", `part1:${at("password")}`, "--out", at("page.txt"), "--yes");
    const page = [...readFileSync(at("page.txt"), "utf8").matchAll(/^ +\d+ {2}(\S{4} \S{4}) {2}(\S{4}) {3}/gm)].map(([, digits, check]) => `${digits} ${check}`);
    assert.deepEqual(await tke.contentOfLines("part", await Promise.all(page.map((line, number) => tke.readLine("part", number + 1, line)))), part.value);
    const lines = (await tke.paperLines("part", part.value)).map(({ words, checkWords }) => `${words} ${checkWords}\n`).join("");
    writeFileSync(at("typed"), lines, { mode: 0o600 });
    const added = await run("mk-add", "typed-back", "--paper-file", at("typed"), "--password-file", at("password"));
    assert.equal(added.verification_pattern, tke.toHex(part.pattern));
  });
});

describe("RSA keys of old installations", () => {
  // A key file as the older client writes it: PKCS #1 under the label PRIVATE KEY.
  async function rsaFile(key, name = "old hand") {
    const der = new Uint8Array(key.export({ type: "pkcs1", format: "der" }));
    const fields = await tke.seal(tke.pemOf("PRIVATE KEY", der), PASSWORD);
    const { modulus } = tke.parsePkcs1(der);
    return tke.textOfFields({ ...fields, keyType: "rsa2048", name, ski: tke.toHex(await tke.rsaSki({ modulus })) });
  }
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

  test("a file opens and signs as OpenSSL does; the signature verifies as that of its certificate", async () => {
    const signer = await tke.openSignatureKey(await rsaFile(privateKey), PASSWORD);
    const message = tke.utf8("a block");
    const signature = await signer.sign(message);
    const block = new Uint8Array(256).fill(0xbb);
    block.set([0x6b], 0);
    block.set([0xba], 221);
    block.set(await tke.sha256(message), 222);
    block.set([0x34, 0xcc], 254);
    assert.equal(tke.toHex(signature), privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block).toString("hex"));
    const administrator = await tke.parseCertificate(await tke.makeCertificate("old hand", signer));
    assert.deepEqual(administrator.ski, signer.ski);
    const [info] = tke.parseSignerInfos(await tke.signBlock(message, [signer]));
    assert.equal(info.algorithm, "rsa");
    assert.ok(await tke.verifySignature(administrator, message, info));
    assert.ok(!(await tke.verifySignature(administrator, tke.utf8("another"), info)));
  });

  test("a wrong password, a damaged key and another key's identifier are refused", async () => {
    const file = await rsaFile(privateKey);
    await refuses(() => tke.openSignatureKey(file, "another password"), "password");
    await refuses(() => tke.openSignatureKey(JSON.stringify({ ...JSON.parse(file), ski: "00".repeat(32) }), PASSWORD), "keyFile");
    const key = tke.parsePkcs1(new Uint8Array(privateKey.export({ type: "pkcs1", format: "der" })));
    await refuses(() => tke.signX931({ ...key, dp: key.dp ^ 2n }, tke.utf8("a block")), "keyFile", /does not sign rightly/);
    await refuses(() => tke.openSignatureKey(JSON.stringify({ ...JSON.parse(file), keyType: "p521ec" }), PASSWORD), "keyFile");
  });
});

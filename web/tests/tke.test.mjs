// The administration protocol in TypeScript against what other implementations made: the worked examples of
// docs/protocols, OpenSSL, and the C++ programs on a real crypto unit.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Server } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
after(unload);
const docs = (path) => readFileSync(new URL(`../../docs/protocols/${path}`, import.meta.url), "utf8");
const run = promisify(execFile);
const hex = (text) => tke.fromHex(text);

// "name: hex" with the hex on following lines, too.
function examples() {
  const text = /```example\n([\s\S]*?)```/.exec(docs("tke.md"))[1];
  const found = {};
  let name = "";
  for (const line of text.split("\n")) {
    const [, key, value] = /^([a-z-]+):\s*(.*)$/.exec(line) ?? [];
    if (key) found[(name = key)] = value;
    else if (name) found[name] += line.trim();
  }
  return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, hex(value)]));
}
const frames = Object.fromEntries([...docs("tke.md").matchAll(/^([a-z 0-9]+) = (\d+;PCI request;.*)$/gm)].map(([, name, text]) => [name, text]));
const refuses = (work, code) => assert.rejects(async () => work(), (error) => error.code === code);

describe("frames and blocks", () => {
  const query = (command, domainIndex, input = tke.EMPTY) => ({ command, domainIndex, domainInstance: 0, moduleId: tke.EMPTY, counter: tke.EMPTY, input });
  const framed = (block) => tke.formatRequest({ moduleIndex: 2, domainIndex: 3, payload: tke.encodeRequest({ domainIndex: 3, block: tke.encodeBlock(block), signerInfos: tke.EMPTY }) });

  test("requests of the document, byte by byte", () => {
    assert.equal(framed(query(tke.COMMAND.queryAttributes, 3)), frames.attributes);
    assert.equal(framed(query(tke.COMMAND.queryOaCertificate, 0, tke.u32(1))), frames["certificate 1"]);
    assert.equal(framed(query(tke.COMMAND.queryOaCertificate, 0)), frames["certificate count"]);
    assert.equal(tke.formatRequest({ moduleIndex: 2, domainIndex: 3, payload: tke.encodeDomainQuery(3) }), frames["domain info"]);
    for (const text of Object.values(frames)) assert.equal(tke.parseRequest(text).moduleIndex, 2);
  });

  test("a frame that is cut, longer or changed is refused", async () => {
    const text = frames.attributes;
    for (const bad of [text.slice(0, -2), `${text}00`, text.replace("XPNUM", "XPNUN"), text.replace(";2;", ";x;"), text.replace(";00200400", ";00200500"), ""]) {
      await refuses(() => tke.parseRequest(bad), "malformed");
    }
    await refuses(() => tke.parseResponse("1;00;00"), "malformed");
    await refuses(() => tke.parseResponse(`300;9 43${" ".repeat(160)};`), "refused");
  });

  test("a block with a long length, another tag or a byte more is no block", async () => {
    const good = tke.encodeBlock(query(tke.COMMAND.zeroize, 3));
    assert.deepEqual(tke.encodeBlock(tke.parseBlock(good)), good);
    const long = tke.concat(new Uint8Array([0x30, 0x81, good[1]]), good.slice(2));
    for (const bad of [good.slice(0, -1), tke.concat(good, new Uint8Array(1)), long, tke.concat(new Uint8Array([0x31]), good.slice(1)), tke.EMPTY]) await refuses(() => tke.parseBlock(bad), "malformed");
  });

  test("the counter is one big-endian number that wraps", () => {
    assert.equal(tke.toHex(tke.nextCounter(hex("00ff"))), "0100");
    assert.equal(tke.toHex(tke.nextCounter(hex("ffff"))), "0000");
    assert.equal(tke.toHex(tke.nextCounter(hex("0000"), 300)), "012c");
  });
});

describe("key parts", () => {
  const example = examples();
  // PKCS #8 of the example's SEC 1.
  const ecdh = (name, use) => crypto.subtle.importKey("pkcs8", tke.pkcs8OfSec1(example[name]), { name: "ECDH", namedCurve: "P-521" }, true, use);

  test("the worked example is made byte by byte, and opened", async () => {
    assert.equal(tke.toHex(await tke.verificationPattern(example.part)), tke.toHex(example["part-hash"]));
    const importerPoint = tke.parseSec1(example["importer-private-key"]).point;
    const own = { privateKey: await ecdh("ephemeral-private-key", ["deriveBits"]), publicKey: await crypto.subtle.importKey("raw", tke.parseSec1(example["ephemeral-private-key"]).point, { name: "ECDH", namedCurve: "P-521" }, true, []) };
    const made = await tke.sealKeyPart(example.part, await tke.publicKey(importerPoint), { own, ukm: example.ukm });
    assert.equal(tke.toHex(made), tke.toHex(example["recipient-info"]));
    assert.equal(made.length, tke.RECIPIENT_INFO_BYTES);
    assert.deepEqual(await tke.openKeyPart(made, await ecdh("importer-private-key", ["deriveBits"])), example.part);
    assert.equal(tke.toHex(tke.makeExportRequest(importerPoint)), tke.toHex(example["export-request"]));
    assert.deepEqual((await tke.exportTarget(example["export-request"])).point, importerPoint);
  });

  test("two seals of one part have nothing in common, and a changed one does not open", async () => {
    const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-521" }, true, ["deriveBits"]);
    const importer = await tke.publicKey(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
    const [first, second] = [await tke.sealKeyPart(example.part, importer), await tke.sealKeyPart(example.part, importer)];
    const [a, b] = [tke.parseRecipientInfo(first), tke.parseRecipientInfo(second)];
    for (const field of ["originator", "ukm", "wrapped"]) assert.notDeepEqual(a[field], b[field]);
    assert.deepEqual(a.importer, await tke.shortSkiOf(importer.point));
    first[300] ^= 1;
    await assert.rejects(tke.openKeyPart(first, pair.privateKey));
  });

  test("parts are combined by XOR; the last bytes of a pattern are not compared", () => {
    assert.deepEqual(tke.combineParts([example.part, example.part]), new Uint8Array(32));
    const [one, other] = [new Uint8Array(32), new Uint8Array(32)];
    other[31] = 9;
    assert.ok(tke.samePattern(one, other));
    other[27] = 9;
    assert.ok(!tke.samePattern(one, other));
  });
});

describe("key files", () => {
  const PASSWORD = "example password";
  const sigkey = docs("examples/example.sigkey");
  const mkpart = docs("examples/example.mkpart");

  test("the examples of the document open, and what is opened is what they say", async () => {
    const signer = await tke.openSignatureKey(sigkey, PASSWORD);
    assert.equal(signer.name, "example-admin");
    assert.equal(tke.toHex(signer.ski), "2c2ca0a0e7d318a05514fe1fedf9526992f409d48e8f6d291ff1a1315a8f355d");
    const message = tke.utf8("what is signed");
    const signature = await signer.sign(message);
    assert.ok(await tke.verifyDer(await tke.publicKeyOfSpki(signer.spki), message, signature));
    assert.ok(!(await tke.verifyDer(await tke.publicKeyOfSpki(signer.spki), tke.utf8("another"), signature)));
    const part = await tke.openKeyPartFile(mkpart, PASSWORD);
    assert.equal(tke.toHex(part.pattern), "f17ec8fd26fab36a93b6e8fd68394e1ba257cecdb22eeb7ce3a3791300000000");
  });

  test("wrong passwords, files of another kind and damaged ones are refused, each in its words", async () => {
    await refuses(() => tke.openSignatureKey(sigkey, "wrong password"), "password");
    await refuses(() => tke.openKeyPartFile(mkpart, "wrong password"), "password");
    await refuses(() => tke.openSignatureKey(mkpart, PASSWORD), "keyFile");
    await refuses(() => tke.openKeyPartFile(sigkey, PASSWORD), "keyFile");
    await refuses(() => tke.openSignatureKey("{", PASSWORD), "keyFile");
    await refuses(() => tke.openSignatureKey('{"keyType": 5}', PASSWORD), "keyFile");
    await refuses(() => tke.openSignatureKey(" ".repeat(16385), PASSWORD), "keyFile");
    await refuses(() => tke.openSignatureKey(JSON.stringify({ ...JSON.parse(sigkey), ski: "00".repeat(32) }), PASSWORD), "keyFile");
    await refuses(() => tke.openKeyPartFile(JSON.stringify({ ...JSON.parse(mkpart), vp: "00".repeat(32) }), PASSWORD), "keyFile");
    await refuses(() => tke.openSignatureKey(JSON.stringify({ ...JSON.parse(sigkey), keyType: "rsa2048" }), PASSWORD), "keyFile");
    await refuses(() => tke.newSignatureKey("alice", "short"), "weakPassword");
    await refuses(() => tke.newSignatureKey("a".repeat(31), PASSWORD), "name");
    await refuses(() => tke.newSignatureKey("alice ", PASSWORD), "name");
  });

  test("a key made here opens here, cannot be exported, and its certificate has the protocol's sizes", async () => {
    const { opened, text } = await tke.newSignatureKey("Zoë", "a long password");
    const again = await tke.openSignatureKey(text, "a long password");
    assert.deepEqual([again.name, again.ski], ["Zoë", opened.ski]);
    assert.ok(!text.includes("PRIVATE"));
    const certificate = await tke.makeCertificate("Zoë", again);
    assert.ok(certificate.length >= 566 && certificate.length <= 568, String(certificate.length));
    const parsed = await tke.parseCertificate(certificate);
    assert.deepEqual(parsed.ski, opened.ski);
    assert.equal(tke.shownText(parsed.name), '"Zo??" (not plain ASCII; bytes 5a6fc3ab)');
    certificate[380] ^= 1;
    await refuses(() => tke.parseCertificate(certificate), "malformed");
  });
});

describe("signatures of older RSA keys", () => {
  test("an X9.31 signature made by OpenSSL verifies, over other bytes it does not", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keyhaven-rsa-"));
    try {
      const at = (name) => join(folder, name);
      await run("openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", at("key.pem")]);
      await run("openssl", ["pkey", "-in", at("key.pem"), "-pubout", "-outform", "DER", "-out", at("key.spki")]);
      const message = tke.utf8("a block");
      const block = new Uint8Array(256).fill(0xbb);
      block.set([0x6b], 0);
      block.set([0xba], 221);
      block.set(await tke.sha256(message), 222);
      block.set([0x34, 0xcc], 254);
      writeFileSync(at("block"), block);
      await run("openssl", ["pkeyutl", "-decrypt", "-inkey", at("key.pem"), "-pkeyopt", "rsa_padding_mode:none", "-in", at("block"), "-out", at("signature")]);
      const key = tke.parseRsaSpki(new Uint8Array(readFileSync(at("key.spki"))));
      const signature = new Uint8Array(readFileSync(at("signature")));
      assert.ok(await tke.verifyX931(key, message, signature));
      assert.ok(!(await tke.verifyX931(key, tke.utf8("another"), signature)));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("blocks in words", () => {
  const blockOf = (command, input) => tke.encodeBlock({ command, domainIndex: 3, domainInstance: 7, moduleId: tke.concat(tke.utf8("KH000001"), hex("0000000000000009")), counter: tke.nextCounter(new Uint8Array(16), 42), input });
  const textOf = (command, input) => tke.describeBlock(blockOf(command, input));
  const lines = (text) => [...text.about, ...text.frame].map(({ name, value }) => `${name}=${value}`).join("\n");
  const filled = (size, value) => new Uint8Array(size).fill(value);
  const pairs = (...list) => tke.concat(...list.flat().map(tke.u32));

  // The rows of block_text_test.cc.
  test("each command by its input", async () => {
    const { COMMAND } = tke;
    assert.equal(lines(await textOf(COMMAND.zeroize, tke.EMPTY)), "domain=3, instance 7\nmodule=serial number KH000001, module instance 0000000000000009\ncounter=0000000000000000000000000000002a");
    for (const [command, input, about] of [
      [COMMAND.removeAdministrator, filled(32, 0x11), `administrator removed=${"1".repeat(64)}`],
      [COMMAND.finalizePending, filled(32, 0x11), `verification pattern=${"1".repeat(64)}`],
      [COMMAND.generateImporter, tke.u32(3), "importer key=P-521"],
      [COMMAND.setAttributes, pairs([1, 2], [2, 3]), "signature threshold=2\nrevocation threshold=3"],
      [COMMAND.setAttributes, pairs([3, 0x2041]), "permissions=00002041: import of key parts, zeroize with one signature, do not disturb"],
      [COMMAND.setAttributes, pairs([9, 5]), "attribute 9, which units ignore=00000005"],
      [COMMAND.enableControlPoints, filled(16, 0), "control points switched on=none"],
      [COMMAND.disableControlPoints, hex("00000000000000002000000000000001"), "control points switched off=XCP_CPB_BTC (bitcoin: BIP-32 and SLIP-10 key derivation), bit 127 without a name"],
    ]) {
      const text = await textOf(command, input);
      assert.ok(text.understood);
      assert.equal(text.about.map(({ name, value }) => `${name}=${value}`).join("\n"), about);
    }
  });

  test("what is malformed is shown whole in hexadecimal, and says so", async () => {
    for (const [command, input] of [
      [2, tke.EMPTY], [2, filled(40, 1)], [4, filled(31, 1)], [6, filled(32, 1)], [8, tke.EMPTY], [8, filled(9, 1)], [8, pairs([1, 2], [1, 3])], [8, pairs([11, 2])], [9, tke.u32(7)], [9, hex("03")],
      [0x26, filled(20, 1)], [0x0c, filled(20, 1)], [0x0d, filled(31, 1)], [0x12, filled(15, 1)], [0x10, hex("01")], [0x4b01, filled(33, 1)], [0x4b02, filled(8, 1)], [0x4b03, filled(8, 1)], [0x4b04, filled(8, 1)], [0x4b77, hex("010203")],
    ]) {
      const text = await textOf(command, input);
      assert.equal(text.understood, false, text.command);
      assert.ok(text.about.some(({ name, value }) => name === "NOT DECODED" && value.includes(tke.toHex(input))), text.command);
    }
    assert.equal((await textOf(0x4b77, hex("01"))).command, "unknown command 00004B77");
  });

  test("a changed byte changes the text", async () => {
    const good = blockOf(tke.COMMAND.commitPending, filled(32, 0x11));
    const before = await tke.describeBlock(good);
    for (let at = 0; at < good.length; at += 1) {
      const changed = good.slice();
      changed[at] ^= 1;
      const text = await tke.describeBlock(changed).catch(() => null);
      if (text) assert.notEqual(text.command + lines(text), before.command + lines(before), `byte ${at}`);
    }
  });

  // Made by the C++ side; the first byte says which.
  test("documents of a sealed transfer", async () => {
    const corpus = (name) => new Uint8Array(readFileSync(new URL(`../../fuzz/corpus/transfer_documents/${name}`, import.meta.url))).slice(1);
    const offered = await textOf(tke.COMMAND.offerTransfer, corpus("offer-input"));
    assert.deepEqual(offered.about.map(({ name }) => name), ["keys are taken by instance", "only from instance", "only of the deployment with root", "until"]);
    const input = corpus("authorize-input");
    const authorized = await textOf(tke.COMMAND.authorizeTransfer, input);
    assert.ok(authorized.understood);
    assert.equal(authorized.about.length, 11);
    assert.ok((await textOf(tke.COMMAND.consentTransfer, corpus("consent-input"))).understood);
    // An offer that does not verify is shown whole.
    input[input.length - 300] ^= 1;
    assert.ok(!(await textOf(tke.COMMAND.authorizeTransfer, input)).understood);
  });
});

// The same command blocks described by the C++ program and here; keys made here used there.
describe("beside the C++ program on a real unit", () => {
  let server, folder, root, units;
  const cli = async (...words) => (await run(join(server.bin, "keyhaven"), ["tke", ...words, "--instance", server.instance], { env: environment() })).stdout;
  const environment = () => ({
    ...process.env, KH_URL: server.url, KH_CA: server.ca, KH_API_KEY_FILE: join(folder, "api-key"), CLOUDTKEFILES: folder, XDG_CONFIG_HOME: folder, HOME: folder,
  });
  const transport = (hsm) => async (request) => (await server.call("POST", `/v1/tke/${server.instance}/hsms/${hsm}`, { request })).body.response;
  const open = async (unit) => tke.UnitSession.open(transport(unit.hsm_id), tke.targetOf(unit.location, unit.serial_number), root);

  before(async () => {
    server = await Server.start("--uninitialised");
    folder = mkdtempSync(join(tmpdir(), "keyhaven-tke-"));
    writeFileSync(join(folder, "api-key"), server.apiKey, { mode: 0o600 });
    writeFileSync(join(folder, "password"), "a long password", { mode: 0o600 });
    root = await tke.attestationRoot((await server.call("GET", "/v1/tke/attestation_root")).body);
    units = (await server.call("GET", `/v1/tke/${server.instance}/hsms`)).body.hsms;
    for (const name of ["ada", "grace"]) writeFileSync(join(folder, `${name}.sigkey`), (await tke.newSignatureKey(name, "a long password")).text, { mode: 0o600 });
    for (const name of ["ada", "grace"]) await cli("cryptounit-admin-add", `${name}:${join(folder, "password")}`, "--trust-on-first-use");
    await cli("cryptounit-thrhld-set", "--signature-threshold", "2", "--revocation-threshold", "1", ...["ada", "grace"].flatMap((name) => ["--signer", `${name}:${join(folder, "password")}`]));
  });
  after(async () => {
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test("key files made here sign there; the unit's state is verified here", async () => {
    const session = await open(units[0]);
    const { attributes } = await session.moment();
    assert.deepEqual([attributes.signatureThreshold, attributes.revocationThreshold], [2, 1]);
    assert.deepEqual((await session.administrators()).map((one) => one.name), ["ada", "grace"]);
    assert.equal(await session.pattern("current"), null);
    assert.equal(await session.importer(), null);
    assert.equal(tke.toHex(await session.controlPoints()).slice(0, 2), "c0");
    assert.equal(attributes.permissions, 0x8fff0011);
    assert.equal(tke.permissionsFor("operational", 0x8fff0011), 0x0fff2055);
    assert.equal(tke.permissionsFor("recovery", 0x8fff0011), 0x0fff205f);
  });

  test("a block is described in the same lines", async () => {
    const commands = [
      ["thresholds", "--signature-threshold", "1", "--revocation-threshold", "2"], ["zeroize"], ["clear-new"], ["clear-current"],
      ["control-points-on", "btc", "eddsa"], ["control-points-off", "sig-other"], ["admin-add", `ada:${join(folder, "password")}`], ["records-accept", "--difference", "11".repeat(32)],
    ];
    const compared = [];
    for (const [verb, ...more] of commands) {
      let made;
      try {
        made = JSON.parse(await cli("propose", verb, ...more, "--unit", units[0].hsm_id, "--yes", "--output", "json"));
      } catch (error) {
        // Some commands are refused before a proposal is made (an administrator who is there already).
        assert.match(`${error.stderr}`, /already|refused|records/i, `${verb}: ${error.stderr}`);
        continue;
      }
      const { id } = made.proposals[0];
      const theirs = JSON.parse(await cli("proposal", id, "--output", "json"));
      const { body } = await server.call("GET", `/v1/tke/${server.instance}/proposals/${id}`);
      const ours = await tke.describeBlock(tke.fromBase64(body.block));
      assert.equal(ours.command, theirs.command);
      assert.deepEqual(ours.about, theirs.about, verb);
      assert.equal(ours.frame.find(({ name }) => name === "counter").value, body.counter, verb);
      assert.equal(tke.toHex(await tke.sha512(tke.fromBase64(body.block))), theirs.block_sha512);
      compared.push(verb);
    }
    assert.ok(compared.length >= 6, compared.join(" "));
  });

  test("a proxy that changes an answer, swaps the importer key or answers for another unit is found out", async () => {
    const honest = transport(units[0].hsm_id);
    const target = tke.targetOf(units[0].location, units[0].serial_number);
    const changed = (from, to) => async (request) => (await honest(request)).replace(from, to);
    await refuses(() => tke.UnitSession.open(transport(units[1].hsm_id), target, root), "refused");
    const stranger = await tke.newSignatureKey("stranger", randomBytes(8).toString("hex"));
    const foreign = { ski: stranger.opened.ski, key: await tke.publicKeyOfSpki(stranger.opened.spki) };
    await refuses(() => tke.UnitSession.open(honest, target, foreign), "foreign");
    // The thresholds in a signed answer, altered on the way.
    const altered = await tke.UnitSession.open(changed("0000000100000002", "0000000100000001"), target, root);
    await refuses(() => altered.moment(), "untrusted");
    // An answer of yesterday.
    const kept = new Map();
    const session = await tke.UnitSession.open(async (request) => {
      const answer = kept.get(request) ?? (await honest(request));
      if (kept.get("replay")) kept.set(request, answer);
      return answer;
    }, target, root);
    kept.set("replay", true);
    await session.moment();
    kept.delete("replay");
    assert.ok(kept.size > 0);
    const ada = await tke.openSignatureKey(readFileSync(join(folder, "ada.sigkey"), "utf8"), "a long password");
    const moment = await session.moment();
    const block = tke.makeBlock(moment, target.domainIndex, tke.COMMAND.generateImporter, tke.IMPORTER_P521);
    await session.run(block, await tke.signBlock(tke.encodeBlock(block), [ada]));
    await refuses(() => session.moment(), "untrusted");
    // The importer key, in whose place a proxy puts its own.
    const fresh = await open(units[0]);
    const importer = await fresh.importer();
    const own = tke.toHex(stranger.opened.spki.slice(-133)).toUpperCase();
    const swapped = await tke.UnitSession.open(changed(tke.toHex(importer.point).toUpperCase(), own), target, root);
    await refuses(() => swapped.importer(), "untrusted");
    // A signature of somebody who is no administrator.
    const again = tke.makeBlock(await fresh.moment(), target.domainIndex, tke.COMMAND.generateImporter, tke.IMPORTER_P521);
    const infos = await tke.signBlock(tke.encodeBlock(again), [stranger.opened]);
    await assert.rejects(fresh.run(again, infos), (error) => error.code === "refused" && error.returnCode === tke.RETURN.unauthorisedSigner);
  });

  test("the transcript is verified entry by entry, and a changed one is named", async () => {
    const { body } = await server.call("GET", `/v1/tke/${server.instance}/transcript?limit=100`);
    const reader = new tke.TranscriptReader(server.instance, root);
    const read = [];
    for (const entry of body.entries) read.push(await reader.read(entry));
    assert.ok(read.length >= 4);
    for (const one of read) assert.deepEqual([one.chain, one.unit === "verified" || one.accepted === false], ["verified", true], JSON.stringify(one));
    assert.deepEqual(read.find((one) => one.command === "set attributes").signers.map(({ name, state }) => `${name} ${state}`), ["ada verified", "grace verified"]);
    const [first] = body.entries;
    const forged = await new tke.TranscriptReader(server.instance, root).read({ ...first, caller: "somebody else" });
    assert.equal(forged.chain, "broken");
    const answer = first.response.slice(0, -8) + (first.response.endsWith("00000000") ? "00000001" : "00000000");
    assert.equal((await new tke.TranscriptReader(server.instance, root).read({ ...first, response: answer })).unit, "false");
  });
});

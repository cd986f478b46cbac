// What a unit's session believes: only what the unit signed, and nothing older than what was seen, on a real crypto unit with a
// proxy in between.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
const { Sessions } = await load("crypto-units/facts.ts");
const FUNCTION_ADMIN = 0x00010029;
let server, root, units, signer;
before(async () => {
  server = await Server.start("--uninitialised");
  root = await tke.attestationRoot((await server.call("GET", "/v1/tke/attestation_root")).body);
  units = (await server.call("GET", `/v1/tke/${server.instance}/hsms`)).body.hsms;
  signer = (await tke.newSignatureKey("ada", "a long password")).opened;
});
after(async () => {
  await server?.stop();
  await unload();
});

const targetOf = (unit) => tke.targetOf(unit.location, unit.serial_number);
const honest = (unit) => async (request) => {
  const { hsm_id } = units.find(({ location }) => location === unit.location);
  return (await server.call("POST", `/v1/tke/${server.instance}/hsms/${hsm_id}`, { request })).body.response;
};
const refuses = (work, code) => assert.rejects(work, (error) => error.code === code);
const commandOf = (request) => tke.parseBlock(tke.parseRequestPayload(tke.parseRequest(request).payload).block).command;

// A response with another parameter block in it.
const withCprb = (response, hex) => response.replace(/[^;]*$/, hex);
const cprb = (response, returnCode, payload) => {
  const head = response.split(";")[2].slice(0, 32);
  return tke.toHex(tke.concat(tke.fromHex(head), tke.u32(returnCode << 16), tke.u32(0), tke.u32(0), tke.u32(payload.length), payload)).toUpperCase();
};
const short = (domain, returnCode) => tke.concat(tke.sequence(tke.octetsU32(FUNCTION_ADMIN), tke.octetsU32(domain), tke.octetsU32(returnCode)));

// What a proxy answers in the place of the unit's answers to one command.
async function sessionWith(unit, command, lie) {
  const transport = honest(unit);
  return tke.UnitSession.open(async (request) => {
    const response = await transport(request);
    return commandOf(request) === command ? lie(response) : response;
  }, targetOf(unit), root);
}

test("an empty register and a missing importer key are believed when the unit signed it, and only then", async () => {
  const [unit] = units;
  const session = await tke.UnitSession.open(honest(unit), targetOf(unit), root);
  assert.equal(await session.pattern("pending"), null);
  assert.equal(await session.importer(), null);
  const { domainIndex } = session.target;
  for (const [command, code, ask] of [
    [tke.COMMAND.queryPendingPattern, tke.RETURN.notInitialised, (one) => one.pattern("pending")],
    [tke.COMMAND.queryCurrentPattern, tke.RETURN.notInitialised, (one) => one.pattern("current")],
    [tke.COMMAND.queryImporter, tke.RETURN.notFound, (one) => one.importer()],
  ]) {
    const inShort = await sessionWith(unit, command, (response) => withCprb(response, cprb(response, 0, short(domainIndex, code))));
    const inFrame = await sessionWith(unit, command, (response) => withCprb(response, cprb(response, code, tke.EMPTY)));
    for (const lying of [inShort, inFrame]) {
      await assert.rejects(() => ask(lying), (error) => error.code === "refused" && error.returnCode === code && !error.signed);
    }
  }
});

test("a refusal that the unit signed says so", async () => {
  const [unit] = units;
  const session = await tke.UnitSession.open(honest(unit), targetOf(unit), root);
  const block = tke.makeBlock(await session.moment(), session.target.domainIndex, tke.COMMAND.commitPending, new Uint8Array(32));
  await assert.rejects(async () => session.run(block, await tke.signBlock(tke.encodeBlock(block), [signer])), (error) => error.code === "refused" && error.signed);
});

test("what was seen last is kept when a session fails, and when the list names another module for a while", async () => {
  const [unit, other] = units;
  const kept = new Map();
  let mode = "honest";
  const transport = async (request, to) => {
    if (mode === "down") throw new Error("no answer");
    if (mode === "replay" && kept.has(request)) return kept.get(request);
    const answer = await honest(to)(request);
    kept.set(request, answer);
    return answer;
  };
  const sessions = new Sessions((one, newest) => tke.UnitSession.open((request) => transport(request, one), targetOf(one), root, newest));
  const first = (await sessions.read(unit)).facts;
  assert.ok(first);
  // The unit moves on, and is seen to.
  const block = tke.makeBlock(first.moment, first.session.target.domainIndex, tke.COMMAND.addAdministrator, await tke.makeCertificate("ada", signer));
  const old = new Map(kept);
  await first.session.run(block, tke.EMPTY);
  const second = await sessions.read(unit);
  assert.equal(second.facts.administrators.length, 1);
  // A moment without an answer: what was read stays, and says why it is not new.
  mode = "down";
  const third = await sessions.read(unit);
  assert.equal(third.facts, second.facts);
  assert.match(third.error.message, /no answer/);
  // The older answers are not believed by the session that is opened then.
  mode = "replay";
  kept.clear();
  for (const [request, answer] of old) kept.set(request, answer);
  const fourth = await sessions.read(unit);
  assert.deepEqual([fourth.error?.code, fourth.facts], ["untrusted", undefined]);
  // Nor after the unit's id was said to be elsewhere.
  mode = "honest";
  const elsewhere = await sessions.read({ ...other, hsm_id: unit.hsm_id });
  assert.ifError(elsewhere.error);
  assert.equal(elsewhere.facts.session.target.serialNumber, other.serial_number);
  assert.equal(elsewhere.facts.administrators.length, 0);
  mode = "replay";
  assert.equal((await sessions.read(unit)).error?.code, "untrusted");
  mode = "honest";
  assert.equal((await sessions.read(unit)).facts.administrators.length, 1);
});

test("a session is not used for another module or domain than the list names", async () => {
  const [unit, other] = units;
  const opened = [];
  const sessions = new Sessions((one, newest) => {
    opened.push(one.serial_number);
    return tke.UnitSession.open(honest(one), targetOf(one), root, newest);
  });
  await sessions.read(unit);
  await sessions.read(unit);
  await sessions.read({ ...other, hsm_id: unit.hsm_id });
  assert.deepEqual(opened, [unit.serial_number, other.serial_number]);
  await refuses(async () => {
    const { error } = await sessions.read({ ...unit, serial_number: "00000000" });
    throw error;
  }, "untrusted");
});

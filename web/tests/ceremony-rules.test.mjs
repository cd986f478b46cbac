// The rules of a ceremony without a browser: with units that answer as told, and a server that is a function.
import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
const { strangersIn } = await load("crypto-units/facts.ts");
const actions = await load("ceremony/actions.ts");
const { loadParts, mustBeOfAnother, sealPart, signerOfPart, verifySealedPart } = await load("ceremony/sealing.ts");
const { servingUnits, unitForTransfer } = await load("ceremony/commands.ts");
const { randomHindrance } = await load("ceremony/recovery.ts");
const { addUnits, readPinnedRoot, transportTo } = await load("api/units.ts");
const { onFault } = await load("api/faults.ts");
const { sendProposal } = await load("api/proposals.ts");
const { readAll, readNewest } = await load("api/transcript.ts");
after(unload);

const refuses = (work, code, words = /./) => assert.rejects(work, (error) => error.code === code && words.test(error.message), `${code} ${words}`);
const stopsAt = (work, unit, done, total) => assert.rejects(work, (error) => error.name === "SeriesError" && error.unit === unit && error.done === done && error.total === total);
const people = await Promise.all(["ada", "grace", "mallory"].map(async (name) => (await tke.newSignatureKey(name, "a long password")).opened));
const [ada, grace, mallory] = people;
const administratorOf = async (signer) => tke.parseCertificate(await tke.makeCertificate(signer.name, signer));
const [asAda, asGrace, asMallory] = await Promise.all(people.map(administratorOf));

// A unit, and what its facts say of it.
async function unit(number, { administrators = [asAda, asGrace], signature = 2, revocation = 2, permissions = 0, type = "operational", membership = "joined" } = {}) {
  const importer = await tke.publicKeyOfSpki((await tke.newSignatureKey("importer", "a long password")).opened.spki);
  const attributes = { ...tke.NO_ATTRIBUTES, signatureThreshold: signature, revocationThreshold: revocation, permissions };
  const moment = { domainInstance: 1, moduleId: new Uint8Array(16).fill(number), counter: new Uint8Array(16).fill(number), attributes };
  const ran = [];
  const session = {
    target: { moduleIndex: number, domainIndex: number, serialNumber: `0000000${number}` },
    moduleKey: importer,
    moment: async () => session.now,
    now: moment,
    importer: async () => importer,
    run: async (block) => ran.push(block),
  };
  const location = `[local].[AZ1-CS${number}].[0${number}].[0${number}]`;
  return { unit: { hsm_id: `hsm ${number}`, location, type, membership }, session, moment, attributes, administrators, current: null, pending: null, pendingCommitted: false, controlPoints: new Uint8Array(16), ran };
}
const moveOn = (facts) => (facts.session.now = { ...facts.moment, counter: tke.nextCounter(facts.moment.counter) });
const part = async (value) => ({ description: "a part", value: new Uint8Array(32).fill(value), pattern: await tke.verificationPattern(new Uint8Array(32).fill(value)) });
const yes = async () => true;
const silent = () => undefined;

describe("sealing a key part", async () => {
  const all = [await unit(1), await unit(2)];
  const seal = async (over = {}) => sealPart(over.ask ?? yes, { instance: "one", takers: all, all, part: await part(7), signer: ada, others: [], ...over });

  test("a unit with administrators of somebody else, or other thresholds, gets none; the unit is named", async () => {
    const other = await unit(3, { administrators: [asMallory], type: "recovery" });
    const weak = await unit(3, { signature: 1, revocation: 1 });
    for (const [stranger, words] of [[other, /\[03\].*other administrators/], [weak, /\[03\].*other thresholds/]]) {
      assert.deepEqual([...new Set(strangersIn([...all, stranger]).map(({ facts }) => facts.unit.hsm_id))], ["hsm 3"]);
      for (const takers of [[...all, stranger], [stranger]]) {
        const own = await part(7);
        await refuses(() => seal({ takers, all: [...all, stranger], part: own, signer: mallory }), "parts", words);
        assert.equal(own.value[0], 7);
      }
    }
    assert.deepEqual(strangersIn(all), []);
  });

  test("the question names who administers each unit, and whether it may export", async () => {
    const exporting = [await unit(1, { permissions: tke.PERMISSION.export, type: "recovery" }), await unit(2)];
    let shown;
    await seal({ takers: exporting, all: exporting, ask: async (question) => void (shown = question) });
    const valueOf = (number, name) => shown.blocks[number].text.about.find((line) => line.name === name).value;
    assert.match(valueOf(0, "administrators of the unit"), /^ada \([0-9a-f]{16}…\), grace \(/);
    assert.equal(valueOf(0, "type of the unit"), "recovery");
    assert.match(valueOf(0, "the unit may export its master key"), /^yes/);
    assert.equal(valueOf(1, "the unit may export its master key"), "no");
    assert.match(valueOf(1, "thresholds of the unit"), /^2 for commands, 2 /);
  });

  test("only an administrator of the units seals, and none twice", async () => {
    await refuses(() => seal({ signer: mallory, ask: async () => assert.fail("nobody is asked") }), "stranger", /none of the loaded/);
    const first = await seal();
    assert.equal(signerOfPart(first), tke.toHex(ada.ski));
    await refuses(async () => seal({ part: await part(8), others: [first] }), "parts", /ada has signed another key part/);
    assert.throws(() => mustBeOfAnother(signerOfPart(first), "ada", [first]));
    assert.equal((await seal({ part: await part(8), signer: grace, others: [first] })).by, "grace");
  });

  test("a part that is wiped while the question stands is sealed as it was; a wiped one is not sealed at all", async () => {
    const own = await part(7);
    const key = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-521" }, true, ["deriveBits"]);
    const importer = await tke.publicKey(new Uint8Array(await crypto.subtle.exportKey("raw", key.publicKey)));
    const mine = await Promise.all([1, 2].map((number) => unit(number)));
    // The page is left as soon as the first unit has been asked.
    for (const facts of mine) facts.session.importer = async () => (own.value.fill(0), importer);
    const sealed = await seal({ takers: mine, all: mine, part: own });
    for (const { request } of sealed.units) {
      const { input } = tke.parseBlock(tke.parseRequestPayload(request).block);
      assert.deepEqual(await tke.openKeyPart(input, key.privateKey), new Uint8Array(32).fill(7));
    }
    await refuses(() => seal({ part: own }), "parts", /not open any more/);
  });

  test("a unit that has changed since it was read gets none", async () => {
    const moved = [await unit(1), await unit(2)];
    moveOn(moved[1]);
    await assert.rejects(() => seal({ takers: moved, all: moved }), (error) => error.unit === moved[1].unit.location && error.why.code === "stale");
  });

  test("a part signed by one administrator here and another there is not taken", async () => {
    const [first, second] = [await seal(), await seal({ signer: grace })];
    await verifySealedPart(first, all);
    const mixed = { ...first, units: [first.units[0], second.units[1]] };
    await refuses(() => verifySealedPart(mixed, all), "stranger");
    await refuses(() => verifySealedPart(first, []), "parts");
  });

  test("loading stops where it stops, and says where", async () => {
    const parts = [await seal(), await seal({ part: await part(8), signer: grace })];
    const told = [];
    const fails = all.map((facts, at) => ({ ...facts, session: { ...facts.session, run: async () => (at === 1 ? Promise.reject(new Error("no answer")) : undefined) } }));
    await stopsAt(() => loadParts(fails, parts, (done, total) => told.push([done, total])), all[1].unit.location, 1, 2);
    assert.deepEqual(told, [[0, 2], [1, 2]]);
    // What is wrong with a part is found before any unit is told.
    await stopsAt(() => loadParts(all, [parts[0], parts[0]], silent), all[0].unit.location, 0, 2);
    assert.equal(all[0].ran.length, 0);
  });
});

describe("commands rest on what was read", async () => {
  test("thresholds and permissions of a unit that has changed are not sent on", async () => {
    const all = [await unit(1), await unit(2)];
    moveOn(all[1]);
    let asked = false;
    const ask = async () => (asked = true);
    await refuses(() => actions.setThresholds(ask, "one", all, { signature: 2, revocation: 2, prepared: false }, [ada, grace], "", silent), "stale", /\[02\].*has changed/);
    await refuses(() => actions.makeImporters(ask, all, [ada], silent), "stale");
    assert.equal(asked, false);
    await actions.makeImporters(ask, [all[0]], [ada], silent);
    assert.deepEqual([asked, all[0].ran.length], [true, 1]);
  });

  test("in imprint mode somebody else's command in between is no harm", async () => {
    const imprint = await unit(1, { administrators: [], signature: 0, revocation: 0 });
    moveOn(imprint);
    assert.ok(await actions.enrol(yes, "one", [imprint], ada, [ada], silent));
    assert.deepEqual(imprint.ran.map(({ command, counter }) => [command, tke.toHex(counter)]), [[tke.COMMAND.addAdministrator, tke.toHex(tke.nextCounter(imprint.moment.counter, 2))]]);
  });

  test("a signature that does not verify is no signature", async () => {
    const facts = await unit(1);
    const ski = tke.toHex(ada.ski);
    const missing = (verified) => actions.missingSigners({ facts, signatures: [{ ski, name: "ada", verified }] }, [ada, mallory]).map(({ name }) => name);
    assert.deepEqual([missing(true), missing(false)], [[], ["ada"]]);
  });

  test("a random key is made only when it is known that it hides nothing", async () => {
    const [empty, full] = [await unit(1), { ...(await unit(2)), current: new Uint8Array(32) }];
    const rotation = { phase: "none", stored: [] };
    assert.equal(randomHindrance(undefined, [empty]), "unknown");
    assert.equal(randomHindrance({ ...rotation, phase: "resealing" }, [full]), "rotating");
    assert.equal(randomHindrance({ ...rotation, stored: [{}] }, [empty]), "lost");
    assert.equal(randomHindrance({ ...rotation, stored: [{}] }, [empty, full]), null);
    assert.equal(randomHindrance(rotation, [empty]), null);
  });

  test("a transfer goes to the unit that made the offer, or the one that is chosen", async () => {
    const all = [await unit(1), await unit(2), await unit(3, { membership: "waiting" }), await unit(4, { type: "recovery" })];
    assert.deepEqual(servingUnits(all), all.slice(0, 2));
    assert.equal(unitForTransfer(all, ""), all[0]);
    assert.equal(unitForTransfer(all, "", all[1].session.moduleKey), all[1]);
    assert.equal(unitForTransfer(all, "hsm 1", all[1].session.moduleKey), all[0]);
    assert.throws(() => unitForTransfer(all, "", all[3].session.moduleKey), { code: "transfer" });
    assert.throws(() => unitForTransfer(all, "hsm 3"), { code: "transfer" });
  });
});

describe("what the server says", () => {
  const { fetch } = globalThis;
  afterEach(() => {
    globalThis.fetch = fetch;
  });
  const calls = [];
  // `answers` by the end of the path.
  const serve = (answer) => {
    calls.length = 0;
    globalThis.fetch = async (path, { method, body }) => {
      calls.push({ method, path, body: body && JSON.parse(body) });
      return new Response(JSON.stringify(answer({ method, path })), { status: 200, headers: { "Content-Type": "application/json" } });
    };
  };

  test("units are added only while there are as many as were shown", async () => {
    const list = (recovery, failover) => ({ hsms: [{}, {}], source_hsms: Array(recovery).fill({}), failover_hsms: Array(failover).fill({}) });
    serve(() => list(2, 0));
    await refuses(() => addUnits("one", { recovery: 0, failover: 0 }, { recovery: 1, failover: 0 }), "stale", /2 recovery and 0 failover units now/);
    assert.deepEqual(calls.map(({ method }) => method), ["GET"]);
    serve(() => list(1, 0));
    await addUnits("one", { recovery: 1, failover: 0 }, { recovery: 2, failover: 0 });
    assert.deepEqual(calls[1].body, { parameters: { recovery_units: 2 } });
  });

  test("what could not be written down is told, with the frames", async () => {
    const told = [];
    const stop = onFault((fault) => told.push(fault));
    serve(({ path }) => (path.endsWith("/send") ? { hsm_id: "hsm 1", request: "asked", response: "answered", transcript_fault: "disk full", record_fault: "locked" } : { response: "answered", transcript_fault: "disk full" }));
    assert.equal(await transportTo("one", "hsm 2")("asked"), "answered");
    await sendProposal("one", "7");
    stop();
    await sendProposal("one", "7");
    assert.deepEqual(told.map(({ hsm, kind, why, frames }) => [hsm, kind, why, frames.join(" ")]), [
      ["hsm 2", "transcript", "disk full", "asked answered"],
      ["hsm 1", "transcript", "disk full", "asked answered"],
      ["hsm 1", "record", "locked", "asked answered"],
    ]);
  });

  test("a transcript that repeats itself ends", { timeout: 20000 }, async () => {
    serve(() => ({ first: 1, last: 5, entries: [{ sequence: 1 }] }));
    await refuses(() => readAll("one", silent), "malformed");
    await refuses(() => readNewest("one", 5), "malformed");
  });

  test("a pinned root that changes while the page is open is foreign", async () => {
    const claim = async () => {
      const { spki, ski } = (await tke.newSignatureKey("root", "a long password")).opened;
      const { point } = await tke.publicKeyOfSpki(spki);
      return { ski: tke.toHex(ski), x: tke.toHex(point.slice(1, 67)), y: tke.toHex(point.slice(67)) };
    };
    const [first, second] = [await claim(), await claim()];
    serve(() => first);
    assert.equal(tke.toHex((await readPinnedRoot()).ski), first.ski);
    serve(() => second);
    await refuses(() => readPinnedRoot(), "foreign");
    serve(() => first);
    assert.equal(tke.toHex((await readPinnedRoot()).ski), first.ski);
  });
});

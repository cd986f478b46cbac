// The judgement of a transcript in TypeScript and that of `keyhaven tke transcript --verify`, word for word the same: of a real
// one, and of what somebody might make of it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
const PASSWORD = "correct horse battery staple";
let server, folder, rootFile, root, saved;

const at = (name) => join(folder, name);
// The exit status is 1 when something was found; the JSON is there all the same, and that of the error follows.
const run = (...command) =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, KH_URL: server.url, KH_CA: server.ca, KH_API_KEY: server.apiKey, HOME: folder, CLOUDTKEFILES: folder };
    execFile(join(server.bin, "keyhaven"), ["--output", "json", ...command], { env, maxBuffer: 1 << 28 }, (error, out, told) => {
      try {
        resolve(out ? JSON.parse(out.split(/\n(?=\{)/)[0]) : null);
      } catch {
        reject(new Error(`${error?.message}\n${told}`));
      }
    });
  });

before(async () => {
  server = await Server.start();
  folder = mkdtempSync(join(tmpdir(), "keyhaven-transcript-"));
  const claim = (await server.call("GET", "/v1/tke/attestation_root")).body;
  root = await tke.attestationRoot(claim);
  rootFile = at("root");
  writeFileSync(rootFile, `SKI: ${claim.ski}\nX: ${claim.x}\nY: ${claim.y}\n`);
  await someRefusals();
  await run("tke", "transcript", "--instance", server.instance, "--save", at("all.json"));
  saved = JSON.parse(readFileSync(at("all.json"), "utf8"));
});
after(async () => {
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true });
  await unload();
});

// Commands that units refuse, so that these are in it, too: signed by a stranger, and not signed.
async function someRefusals() {
  const [unit] = (await server.call("GET", `/v1/tke/${server.instance}/hsms`)).body.hsms;
  const transport = async (request) => (await server.call("POST", `/v1/tke/${server.instance}/hsms/${unit.hsm_id}`, { request })).body.response;
  const session = await tke.UnitSession.open(transport, tke.targetOf(unit.location, unit.serial_number), root);
  const { opened } = await tke.newSignatureKey("mallory", PASSWORD);
  for (const signers of [[opened], []]) {
    const block = tke.makeBlock(await session.moment(), session.target.domainIndex, tke.COMMAND.clearPending, tke.EMPTY);
    await assert.rejects(async () => session.run(block, await tke.signBlock(tke.encodeBlock(block), signers)));
  }
}

async function judgedHere({ instance, first, last, entries }, known) {
  const begin = entries[0]?.sequence ?? 0;
  const range = { first, last, start: begin > first ? begin : 0, wholeEnd: entries.length === 0 || entries.at(-1).sequence >= last, known };
  const check = new tke.TranscriptCheck(instance, root, range, []);
  for (const entry of entries) await check.add(entry);
  return check.finish();
}

async function judgedThere(transcript, known) {
  writeFileSync(at("given.json"), JSON.stringify(transcript));
  return run("tke", "transcript", "--from", at("given.json"), "--verify", "--attestation-root", rootFile, ...(known ? ["--known", `${known.sequence}:${known.hash}`] : []));
}

async function same(transcript, known) {
  const [here, there] = [await judgedHere(transcript, known), await judgedThere(transcript, known)];
  assert.deepEqual({ faults: here.faults, notes: here.notes, entries: here.entries, newest: `${here.last}:${here.lastHash}` }, { faults: there.faults, notes: there.notes, entries: there.entries, newest: there.newest });
  return here;
}

const copy = () => structuredClone(saved);
// Makes the hashes fit again, as somebody who rewrites the whole chain does.
async function rechained(transcript) {
  let previous = "0".repeat(64);
  for (const entry of transcript.entries) {
    entry.previous = previous;
    previous = entry.hash = await tke.hashOf(transcript.instance, entry);
  }
  return transcript;
}
const renumbered = (transcript) => {
  transcript.entries.forEach((entry, index) => (entry.sequence = index + 1));
  transcript.last = transcript.entries.length;
  return rechained(transcript);
};

// The first two of one unit.
function swapped(all) {
  const second = all.entries.findIndex((entry, index) => index > 0 && entry.hsm_id === all.entries[0].hsm_id);
  [all.entries[0], all.entries[second]] = [all.entries[second], all.entries[0]];
  return all;
}

test("a real transcript holds", async () => {
  const report = await same(copy());
  assert.deepEqual(report.faults, []);
  assert.ok(report.entries >= 12, String(report.entries));
  await same(copy(), { sequence: report.last, hash: report.lastHash });
});

for (const [what, change] of [
  ["a caller is changed", (all) => void (all.entries[2].caller = "somebody else")],
  ["a caller is changed and the chain made anew", (all) => rechained((all.entries[2].caller = "somebody else") && all)],
  ["an entry is taken out", (all) => void all.entries.splice(4, 1)],
  ["an entry is taken out, and all numbered anew", (all) => renumbered(all.entries.splice(4, 1) && all)],
  ["the first is taken out, and all numbered anew", (all) => renumbered(all.entries.splice(0, 1) && all)],
  ["two entries of a unit change places, and all are numbered anew", (all) => renumbered(swapped(all))],
  ["the end is cut off", (all) => void all.entries.splice(-3)],
  ["the beginning is cut off", (all) => void all.entries.splice(0, 5)],
  ["the service says that older ones are gone", (all) => void Object.assign(all, { first: 4, entries: all.entries.slice(3) })],
  ["an answer is lost", (all) => rechained(Object.assign(all.entries[5], { response: "", certificates: [] }) && all)],
  ["an answer is no frame", (all) => rechained((all.entries[5].response = "1;00;00") && all)],
  ["an answer is a report of the gateway", (all) => rechained((all.entries[5].response = `300;9 43${" ".repeat(160)};`) && all)],
  ["an answer is used twice", (all) => rechained((all.entries[6].response = all.entries[5].response) && all)],
  ["a signature of a unit is changed", (all) => rechained((all.entries[5].response = all.entries[5].response.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"))) && all)],
  ["a request is no command", (all) => rechained((all.entries[5].request = "no frame") && all)],
  ["certificates are missing", (all) => rechained(all.entries.forEach((entry) => (entry.certificates = [])) ?? all)],
  ["certificates are damaged", (all) => rechained(all.entries.forEach((entry) => (entry.certificates = ["AAAA"])) ?? all)],
  ["an entry is another unit's", (all) => rechained((all.entries[1].hsm_id = "00000000-0000-4000-8000-000000000000") && all)],
  ["an entry names another location", (all) => rechained((all.entries[1].location = "[local].[AZ9-CS1].[9].[9]") && all)],
]) {
  test(`both find the same when ${what}`, async () => {
    const changed = copy();
    const report = await same((await change(changed)) ?? changed);
    // A lost answer and a chain made anew around what nobody signs are notes or nothing, and a file may be a part of the whole;
    // everything else is a fault.
    if (!/made anew$|lost$|gateway$|cut off$/.test(what)) assert.notEqual(report.faults.length, 0);
  });
}

test("what was kept elsewhere finds an end that was cut off, and a chain made anew", async () => {
  const known = { sequence: saved.last, hash: saved.entries.at(-1).hash };
  const shorter = copy();
  shorter.entries.pop();
  shorter.last -= 1;
  assert.match((await same(shorter, known)).faults[0].what, /whose hash was kept, is missing/);
  const other = copy();
  other.entries[0].caller = "somebody else";
  assert.match((await same(await rechained(other), known)).faults[0].what, /is not the one that was kept/);
});

test("with the units at hand: what they carried out beside the transcript, and other administrators, are found", async () => {
  const units = (await server.call("GET", `/v1/tke/${server.instance}/hsms`)).body.hsms;
  const live = [];
  for (const unit of units) {
    const transport = async (request) => (await server.call("POST", `/v1/tke/${server.instance}/hsms/${unit.hsm_id}`, { request })).body.response;
    const session = await tke.UnitSession.open(transport, tke.targetOf(unit.location, unit.serial_number), root);
    live.push({ id: unit.hsm_id, serialNumber: unit.serial_number, domainIndex: session.target.domainIndex, moment: await session.moment(), administrators: await session.administrators() });
  }
  const judged = async (given, entries = saved.entries) => {
    const check = new tke.TranscriptCheck(saved.instance, root, { first: 1, last: entries.length, start: 0, wholeEnd: true }, given);
    for (const entry of entries) await check.add(entry);
    return (await check.finish()).faults.map(({ what }) => what).join("\n");
  };
  assert.equal(await judged(live), "");
  assert.match(await judged(live, saved.entries.slice(0, 4)), /the transcript lacks its end; commands of the unit that are not in it: [1-9]/);
  assert.match(await judged(live.map((one) => ({ ...one, administrators: one.administrators.slice(1) }))), /its administrators are not those that the entries lead to/);
  const other = (one) => ({ ...one.moment, attributes: { ...one.moment.attributes, signatureThreshold: 7 } });
  assert.match(await judged(live.map((one) => ({ ...one, moment: other(one) }))), /its thresholds or permissions are not those/);
});

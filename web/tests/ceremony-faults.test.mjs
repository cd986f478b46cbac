// A ceremony in which things go wrong beside it: a look that fails, a unit that somebody adds, a key that another page loads, a
// series that stops, a server that cannot write down what was done. Nothing of the custodians' is lost, nothing is done twice.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { Administrator, PASSWORD, series } from "./administrators.mjs";
import { Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
let server, browser, ada, keys;
let rootsRead = 0;
const test = series(() => [ada]);
before(async () => {
  [server, browser] = await Promise.all([Server.start("--uninitialised"), startBrowser()]);
  ada = await Administrator.open(browser, server, "ada");
  ada.page.on("request", (request) => {
    if (request.url().endsWith("/local/attestation-root")) rootsRead += 1;
  });
  await ada.toCeremony();
  keys = [];
  for (const file of await ada.begin()) keys.push(await tke.openSignatureKey(readFileSync(file, "utf8"), PASSWORD));
});
after(async () => {
  await ada?.close();
  await browser?.close();
  await server?.stop();
  await unload();
});

const units = async () => (await server.call("GET", `/v1/tke/${server.instance}/hsms`)).body.hsms;
const partRow = (name) => ada.page.getByTestId("parts").locator("li").filter({ hasText: name });
const seal = (name) => partRow(name).getByRole("button", { name: "Seal and sign" });
const sealed = () => ada.page.getByTestId("sealed-parts").locator("li");
const unread = () => ada.page.getByText("The units could not be read just now");
const enabled = (button) => button.and(ada.page.locator(":enabled")).waitFor();
// Null for the information query, which is no administrative request: a look may ask it at any time.
function commandOf(text) {
  const { payload } = tke.parseRequest(text);
  try {
    return tke.parseBlock(tke.parseRequestPayload(payload).block).command;
  } catch {
    return null;
  }
}
// What the page sends to one unit, as long as `isLost` says so, gets no answer of it.
const FRAMES = "**/v1/tke/*/hsms/*";
async function lose(hsm, isLost = () => true) {
  await ada.page.route(FRAMES, async (route) => {
    const { request } = route.request().postDataJSON() ?? {};
    if (!route.request().url().endsWith(hsm) || !isLost(request)) return route.continue();
    return route.fulfill({ status: 503, contentType: "text/plain", body: "not now" });
  });
}
const answer = () => ada.page.unroute(FRAMES);

test("a look that fails takes nothing away: keys, parts and dialogs stay, and nothing is signed until the next one", async () => {
  const [unit] = await units();
  await ada.make("mkpart", "part one");
  await enabled(seal("part one"));
  await ada.button("Make a key part").click();
  await ada.dialog().getByLabel("Description of the key part").fill("part two");
  await lose(unit.hsm_id);
  await unread().waitFor({ timeout: 40000 });
  assert.equal(await ada.dialog().getByLabel("Description of the key part").inputValue(), "part two");
  await ada.page.keyboard.press("Escape");
  assert.equal(await ada.page.getByTestId("signers").locator("li").count(), 2);
  assert.equal(await partRow("part one").count(), 1);
  assert.ok(await seal("part one").isDisabled());
  assert.ok(await ada.button("Make importer keys").isDisabled());
  assert.ok(await ada.page.getByTestId("plan").getByText("Load the key parts").isVisible());
  await ada.person.isAccessible();
  await answer();
  await unread().waitFor({ state: "hidden", timeout: 40000 });
  await enabled(seal("part one"));
});

test("a part whose question stands while a look fails is sealed whole", async () => {
  const [unit] = await units();
  await partRow("part one").getByLabel("Signed by").selectOption({ label: "ada" });
  await seal("part one").click();
  await ada.dialog().getByTestId("block").first().waitFor();
  await lose(unit.hsm_id);
  await unread().waitFor({ timeout: 40000 });
  const words = await ada.agree("Sign the part");
  assert.match(words, /Administrators of the unit\s+ada \([0-9a-f]{16}…\), grace \([\s\S]*The unit may export its master key\s+no/);
  await answer();
  await sealed().filter({ hasText: "Sealed by ada" }).waitFor();
});

test("a unit that somebody adds stops the sealing by name, and leaves what is open and sealed", async () => {
  await ada.make("mkpart", "part two");
  const change = async (count) => assert.equal((await server.call("PATCH", `/v2/resource_instances/${server.instance}`, { parameters: { recovery_units: count } })).status, 200);
  await change(1);
  await ada.button("Refresh").click();
  await ada.page.getByTestId("strangers").getByText(/^Recovery unit .*: Administrators$/).waitFor();
  assert.deepEqual([await sealed().count(), await partRow("part two").count()], [1, 1]);
  assert.ok(await seal("part two").isDisabled());
  await ada.person.isAccessible();
  await change(0);
  await ada.button("Refresh").click();
  await ada.page.getByTestId("strangers").waitFor({ state: "hidden" });
  // The signer who has not sealed yet is chosen by itself; the other may not seal a second part.
  assert.equal(await partRow("part two").getByLabel("Signed by").evaluate((select) => select.selectedOptions[0].text), "grace");
  await partRow("part two").getByLabel("Signed by").selectOption({ label: "ada" });
  await seal("part two").click();
  await ada.page.getByText("ada has signed another key part already").waitFor();
  await enabled(seal("part two"));
  await partRow("part two").getByLabel("Signed by").selectOption({ label: "grace" });
  await seal("part two").click();
  await ada.agree("Sign the part");
  await ada.button("Load 2 parts into the units").click();
  await ada.page.getByTestId("new-pattern").waitFor();
});

// Another master key in the place of the new one, as from another machine.
async function loadOthers() {
  const root = await tke.attestationRoot((await server.call("GET", "/v1/tke/attestation_root")).body);
  const parts = [1, 2].map((value) => new Uint8Array(32).fill(value));
  for (const unit of await units()) {
    const transport = async (request) => (await server.call("POST", `/v1/tke/${server.instance}/hsms/${unit.hsm_id}`, { request })).body.response;
    const session = await tke.UnitSession.open(transport, tke.targetOf(unit.location, unit.serial_number), root);
    const { domainIndex } = session.target;
    for (const [command, input] of [[tke.COMMAND.clearPending, tke.EMPTY], [tke.COMMAND.generateImporter, tke.IMPORTER_P521]]) {
      const block = tke.makeBlock(await session.moment(), domainIndex, command, input);
      await session.run(block, await tke.signBlock(tke.encodeBlock(block), [keys[0]]));
    }
    const [moment, importer] = [await session.moment(), await session.importer()];
    const requests = [];
    for (const [at, part] of parts.entries()) requests.push(await tke.signPart(tke.partBlock(moment, domainIndex, await tke.sealKeyPart(part, importer)), keys[at]));
    await session.run(await tke.importBlock(moment, domainIndex, importer, requests), tke.EMPTY);
  }
}

test("a pattern that was compared is not ticked for another one", async () => {
  const before = await ada.pattern();
  const propose = ada.page.getByRole("button", { name: "Sign and propose for 2 units" });
  await ada.page.getByText("I compared this pattern").click();
  await enabled(propose);
  // The page does not look while the key is exchanged.
  const list = (url) => url.pathname.endsWith("/hsms");
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await ada.page.route(list, async (route) => {
    await held;
    await route.continue();
  });
  await loadOthers();
  release();
  await ada.page.unroute(list);
  await ada.page.getByTestId("new-pattern").filter({ hasNotText: before }).waitFor({ timeout: 40000 });
  assert.equal(await ada.page.getByLabel("I compared this pattern").isChecked(), false);
  assert.ok(await propose.isDisabled());
  await ada.page.getByText("I compared this pattern").click();
  await enabled(propose);
  await propose.click();
  assert.match(await ada.agree("Sign and propose"), new RegExp(await ada.pattern()));
});

test("a command that is being sent elsewhere is neither sent nor deleted here", async () => {
  const commit = ada.proposal("Commit the new master key");
  const send = commit.getByRole("button", { name: "Send to the units" });
  await enabled(send);
  const isProposals = (url) => /\/proposals(\/[^/]+)?$/.test(url.pathname);
  await ada.page.route(isProposals, async (route) => {
    const response = await route.fetch();
    const body = await response.text();
    return route.fulfill({ response, body: body.replaceAll(/"state":\s*"open"/g, '"state":"sending"') });
  });
  await ada.button("Refresh").click();
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await commit.getByText("Being sent").waitFor();
  for (const name of ["Send to the units", "Read and sign", "Delete"]) assert.ok(await commit.getByRole("button", { name }).isDisabled(), name);
  await ada.page.unroute(isProposals);
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await enabled(send);
});

test("what the server could not write down is told with what to do, and stands until it is read", async () => {
  const SEND = (url) => url.pathname.endsWith("/send");
  await ada.page.route(SEND, async (route) => {
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...(await response.json()), transcript_fault: "the disk is full", record_fault: "the table is locked" } });
  });
  await ada.send("Commit the new master key");
  await ada.page.unroute(SEND);
  const fault = (kind) => ada.page.locator(`[data-testid=fault][data-kind=${kind}]`);
  assert.deepEqual([await fault("transcript").count(), await fault("record").count()], [2, 2]);
  await ada.page.getByText("Do not send the command again").first().waitFor();
  await ada.person.isAccessible();
  const path = await ada.downloaded(() => fault("transcript").first().getByRole("button", { name: "Save both frames" }).click());
  assert.match(readFileSync(path, "utf8"), /;PCI request;[\s\S]*\n\d+;/);
  for (let left = 4; left > 0; left -= 1) await ada.page.getByTestId("fault").first().getByRole("button", { name: "I have read it" }).click();
  assert.equal(await ada.page.getByTestId("fault").count(), 0);
});

test("a series that stops says at which unit, and goes on with the rest", async () => {
  const [, unit] = await units();
  await enabled(ada.button("Set immediate on 2 units"));
  await lose(unit.hsm_id, (request) => request && commandOf(request) === tke.COMMAND.finalizePending);
  await ada.button("Set immediate on 2 units").click();
  await ada.agree("Sign and send");
  await ada.page.getByTestId("stopped-at").getByText(`Stopped at crypto unit ${unit.location}: 1 of 2 units were done before.`).waitFor();
  await ada.person.isAccessible();
  await answer();
  await ada.button("Set immediate on 1 unit").click();
  await ada.agree("Sign and send");
  await ada.person.says("All units hold the same master key");
});

test("the pinned root was asked for once", () => assert.equal(rootsRead, 1));

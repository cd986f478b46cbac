// Recovery units and the commands beside the path of a ceremony, by two administrators, each with the refusals that belong to it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { Administrator, PASSWORD, series } from "./administrators.mjs";
import { Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
let server, browser, ada, grace;
const test = series(() => [ada, grace]);
before(async () => {
  [server, browser] = await Promise.all([Server.start("--uninitialised"), startBrowser()]);
  [ada, grace] = await Promise.all(["ada", "grace"].map((name) => Administrator.open(browser, server, name)));
  await Promise.all([ada, grace].map((one) => one.toCeremony()));
});
after(async () => {
  await Promise.all([ada, grace].map((one) => one?.close()));
  await browser?.close();
  await server?.stop();
  await unload();
});

const units = async () => {
  const { hsms, source_hsms, failover_hsms } = (await server.call("GET", `/v1/tke/${server.instance}/hsms`)).body;
  return [...hsms, ...source_hsms, ...failover_hsms];
};
const unitOf = async (type) => (await units()).find((unit) => unit.type === type);
const signatures = (who, name, text) => who.proposal(name).getByText(text).first().waitFor({ timeout: 40000 });
// Proposed and signed by ada, signed by grace, sent by ada.
async function byBoth(name) {
  await grace.sign(name);
  await signatures(ada, name, "2 of 2 signatures");
  await ada.send(name);
}
const tagOf = (who, words) => who.page.getByTestId("control-points").locator("li").filter({ hasText: words }).locator(".cds--tag");

test("recovery and failover units are added; all get the same administrators and the permissions of their type", async () => {
  await ada.page.getByLabel("Recovery units", { exact: true }).fill("1");
  await ada.page.getByLabel("Failover units", { exact: true }).fill("1");
  // Units are for who may change the instance.
  await ada.button("Add the units").click();
  await ada.person.says("Your role does not allow that");
  assert.equal((await server.call("PATCH", `/v2/resource_instances/${server.instance}`, { parameters: { recovery_units: 1, failover_units: 1 } })).status, 200);
  await ada.button("Refresh").click();
  await ada.page.getByTestId("plan").getByText("(0 of 4 units)").first().waitFor();
  for (const one of [ada, grace]) {
    one.file = await one.make("sigkey", one.name);
    await one.button("Refresh").click();
    await one.page.getByTestId("plan").getByText("of 4 units)").first().waitFor();
    await one.button(`Install ${one.name}`).click();
    await one.agree("Send");
    await one.person.says("Administrator of all units");
  }
  await ada.button("Refresh").click();
  await ada.person.says("2 administrators are in every unit now.");
  await ada.page.getByRole("button", { name: "Sign and propose for 4 units" }).first().click();
  const words = await ada.agree("Sign and propose");
  assert.match(words, /Permissions\s+[0-9A-F]{8}: [^\n]*export of master keys[^\n]*random master keys/);
  // One group for each kind of unit: their permissions differ.
  for (const text of ["3 units", "1 unit"]) await grace.proposal("Set thresholds and permissions").getByText(text, { exact: true }).waitFor({ timeout: 40000 });
  for (let group = 0; group < 2; group += 1) {
    await grace.proposal("Set thresholds and permissions").nth(group).getByRole("button", { name: "Read and sign" }).click();
    await grace.agree("Sign");
    await grace.proposal("Set thresholds and permissions").nth(group).getByText("2 of 2 signatures").first().waitFor();
  }
  for (let left = 2; left > 0; left -= 1) {
    await ada.proposal("Set thresholds and permissions").first().getByText("2 of 2 signatures").first().waitFor({ timeout: 40000 });
    await ada.proposal("Set thresholds and permissions").first().getByRole("button", { name: "Send to the units" }).click();
    await ada.page.waitForFunction((count) => document.querySelectorAll("[data-testid=proposal]").length < count, left);
  }
  for (const unit of await units()) assert.equal(unit.state, "uninitialized");
});

test("a random master key is made in the recovery unit by one signature", async () => {
  const { location } = await unitOf("recovery");
  await ada.button(`Make a random key in ${location}`).click();
  assert.match(await ada.agree("Sign and send"), /Make a random master key/);
  await ada.page.getByLabel("From").waitFor();
  assert.equal((await unitOf("recovery")).state, "initialized");
  await ada.person.isAccessible();
});

test("with one of two keys open the export is proposed; who sends it loads the copy", async () => {
  const { location } = await unitOf("failover");
  for (const { location: other, type } of await units()) if (type === "operational") await ada.page.getByLabel(`Operational unit ${other}`).uncheck({ force: true });
  await ada.button("Copy to 1 unit").click();
  assert.match(await ada.agree("Sign and send"), new RegExp(`Make an importer key[\\s\\S]*${location.replace(/[[\]]/g, "\\$&")}`));
  assert.match(await ada.agree("Sign and propose"), /Export the current master key[\s\S]*Encrypted to the importer key\s+[0-9a-f]{64}/);
  const name = "Export the current master key";
  await signatures(ada, name, "1 of 2 signatures");
  assert.ok(await ada.proposal(name).getByRole("button", { name: "Send to the units" }).isDisabled());
  await grace.sign(name);
  await signatures(ada, name, "2 of 2 signatures");
  await ada.proposal(name).getByRole("button", { name: "Send to the units" }).click();
  assert.match(await ada.agree("Sign and send"), /Load one key part[\s\S]*Verification pattern of the key part\s+[0-9a-f]{56}00000000/);
  await ada.page.getByTestId("plan").getByText("Load the key parts into the new register (1 of 3 units)").waitFor();
  await ada.page.getByLabel(`Failover unit ${location}`).waitFor({ state: "hidden" });
});

test("with the quorum's keys open the copy is made at once; commit and activation as always", async () => {
  await ada.openFile("sigkey", grace.file);
  await ada.person.says("The key of grace is open.");
  for (const { location, type } of await units()) if (type === "operational") await ada.page.getByLabel(`Operational unit ${location}`).check({ force: true });
  await ada.button("Copy to 2 units").click();
  await ada.agree("Sign and send");
  assert.match(await ada.agree("Sign and send"), /Export the current master key/);
  for (let copy = 0; copy < 2; copy += 1) assert.match(await ada.agree("Sign and send"), /Load one key part/);
  await ada.page.getByText("I compared this pattern").waitFor();
  await ada.page.getByText("I compared this pattern").click();
  await ada.page.getByRole("button", { name: "Sign and propose for 3 units" }).click();
  await ada.agree("Sign and propose");
  await signatures(ada, "Commit the new master key", "2 of 2 signatures");
  await ada.send("Commit the new master key");
  await ada.button("Set immediate on 3 units").click();
  await ada.agree("Sign and send");
  await ada.person.says("All units hold the same master key");
  for (const unit of await units()) assert.equal(unit.state, "initialized");
  await server.keys({ name: "under a random master key" });
  await ada.button("Forget grace").click();
});

test("a control point is set by the quorum in all units, named in words", async () => {
  const words = "EdDSA and Curve25519";
  await ada.button(`Switch on: ${words}`).click();
  assert.match(await ada.agree("Sign and propose"), /Switch control points on[\s\S]*Control points switched on\s+XCP_CPB_ALG_EC_25519/);
  assert.ok(await ada.proposal("Switch control points on").getByRole("button", { name: "Send to the units" }).isDisabled());
  // A second one for the same moment: only one of both can ever be sent.
  await ada.button("Switch on: Bitcoin: BIP-32 and SLIP-10 key derivation").click();
  await ada.agree("Sign and propose");
  const edDsa = grace.proposal("Switch control points on").filter({ hasText: "XCP_CPB_ALG_EC_25519" });
  await edDsa.getByText("4 units", { exact: true }).waitFor({ timeout: 40000 });
  await edDsa.getByRole("button", { name: "Read and sign" }).click();
  await grace.agree("Sign");
  await edDsa.getByText("2 of 2 signatures").first().waitFor();
  await edDsa.getByRole("button", { name: "Send to the units" }).click();
  await tagOf(grace, words).getByText("On", { exact: true }).waitFor();
  const late = grace.proposal("Switch control points on").filter({ hasText: "XCP_CPB_BTC" });
  await late.waitFor({ state: "hidden" });
  await grace.page.getByText(/^\d+ ended$/).click();
  await grace.page.getByText(/Switch control points on · Lapsed/).first().waitFor();
  await grace.person.isAccessible();
});

test("a register that stored keys need is not cleared, unless somebody types the instance's id", async () => {
  const { location } = await unitOf("operational");
  const row = ada.page.getByTestId("erase").locator("li").filter({ hasText: location });
  await ada.button("Refresh").click();
  await row.getByRole("button", { name: "Clear the current register" }).click();
  const show = ada.dialog().getByRole("button", { name: "Show the command" });
  assert.ok(await show.isDisabled());
  await ada.dialog().getByLabel(/^Type/).fill(location);
  await ada.dialog().getByText("Go on although stored keys are lost by it").click();
  assert.ok(await show.isDisabled());
  await ada.person.isAccessible();
  await ada.dialog().getByText("Go on although stored keys are lost by it").click();
  await show.click();
  assert.match(await ada.agree("Sign and send"), /Clear the current master key/);
  await ada.page.getByText("MASTER_KEY_STILL_NEEDED_ERR").first().waitFor();
  assert.equal((await unitOf("operational")).state, "initialized");
});

test("a zeroized unit has nothing left, and gets its key back from the recovery unit", async () => {
  const { location } = await unitOf("failover");
  const row = ada.page.getByTestId("erase").locator("li").filter({ hasText: location });
  await row.getByRole("button", { name: "Zeroize" }).click();
  await ada.dialog().getByLabel(/^Type/).fill(`${location} `);
  assert.ok(await ada.dialog().getByRole("button", { name: "Show the command" }).isDisabled());
  await ada.dialog().getByLabel(/^Type/).fill(location);
  await ada.dialog().getByRole("button", { name: "Show the command" }).click();
  assert.match(await ada.agree("Sign and send"), /Zeroize: erase everything/);
  await ada.page.getByTestId("plan").getByText("(3 of 4 units)").first().waitFor();
  assert.equal((await unitOf("failover")).state, "imprint");
  await ada.openFile("sigkey", grace.file);
  for (const name of ["ada", "grace"]) {
    await ada.button(`Install ${name}`).click();
    await ada.agree("Send");
    await ada.button(`Install ${name}`).waitFor({ state: "hidden" });
  }
  await ada.page.getByRole("button", { name: "Sign and propose for 1 unit" }).first().click();
  await ada.agree("Sign and propose");
  await signatures(ada, "Set thresholds and permissions", "2 of 2 signatures");
  await ada.send("Set thresholds and permissions");
  await ada.button("Copy to 1 unit").click();
  await ada.agree("Sign and send");
  await ada.agree("Sign and send");
  await ada.agree("Sign and send");
  await ada.page.getByText("I compared this pattern").click();
  await ada.page.getByRole("button", { name: "Sign and propose for 1 unit" }).first().click();
  await ada.agree("Sign and propose");
  await signatures(ada, "Commit the new master key", "2 of 2 signatures");
  await ada.send("Commit the new master key");
  await ada.button("Set immediate on 1 unit").click();
  await ada.agree("Sign and send");
  await ada.person.says("All units hold the same master key");
});

test("records of a store that differs from nothing are not accepted: the unit's refusal is told in words", async () => {
  const field = ada.page.getByLabel("Difference that keyhaven store verify names");
  await field.fill("12");
  assert.ok(await ada.button("Accept the stored records").isDisabled());
  await field.fill("12".repeat(32));
  await ada.button("Accept the stored records").click();
  assert.match(await ada.agree("Sign and propose"), new RegExp(`Accept stored records[\\s\\S]*Accepted difference\\s+${"12".repeat(32)}`));
  await signatures(ada, "Accept stored records", "2 of 2 signatures");
  await ada.proposal("Accept stored records").getByRole("button", { name: "Send to the units" }).click();
  await ada.page.locator("[data-code=refused]").waitFor();
});

test("an RSA key of an old installation is installed, and signs", async () => {
  const { privateKey } = await import("node:crypto").then(({ generateKeyPairSync }) => generateKeyPairSync("rsa", { modulusLength: 2048 }));
  const der = new Uint8Array(privateKey.export({ type: "pkcs1", format: "der" }));
  const fields = await tke.seal(tke.pemOf("PRIVATE KEY", der), PASSWORD);
  const { modulus } = tke.parsePkcs1(der);
  const path = join(ada.console.home, "old.sigkey");
  writeFileSync(path, tke.textOfFields({ ...fields, keyType: "rsa2048", name: "old hand", ski: tke.toHex(await tke.rsaSki({ modulus })) }));
  await ada.openFile("sigkey", path);
  await ada.button("Install old hand").click();
  assert.match(await ada.agree("Sign and propose"), /Administrator added\s+old hand[\s\S]*RSA-2048/);
  await signatures(ada, "Add an administrator", "2 of 2 signatures");
  await ada.send("Add an administrator");
  await ada.button("Install old hand").waitFor({ state: "hidden" });
  await ada.button("Forget grace").click();
  // The unit that was zeroized lacks it since.
  await tagOf(ada, "EdDSA and Curve25519").getByText("On in 3 of 4 units").waitFor();
  await ada.button("Switch on: EdDSA and Curve25519").click();
  await ada.agree("Sign and propose");
  await signatures(ada, "Switch control points on", "2 of 2 signatures");
  assert.match(await ada.proposal("Switch control points on").innerText(), /old hand: verified/);
  await ada.send("Switch control points on");
  await tagOf(ada, "EdDSA and Curve25519").getByText("On", { exact: true }).waitFor();
});

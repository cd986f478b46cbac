// A whole ceremony by three administrators, each at a console of their own; and what must not go through.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Administrator, PASSWORD } from "./administrators.mjs";
import { Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
let server, browser, ada, grace, linus;
before(async () => {
  [server, browser] = await Promise.all([Server.start("--uninitialised"), startBrowser()]);
  [ada, grace, linus] = await Promise.all(["ada", "grace", "linus"].map((name) => Administrator.open(browser, server, name)));
});
after(async () => {
  await Promise.all([ada, grace, linus].map((one) => one?.close()));
  await browser?.close();
  await server?.stop();
  await unload();
});

const everybody = () => [ada, grace, linus];
const fileOf = async (who, name, password) => {
  const { text } = await tke.newSignatureKey(name, password);
  const path = join(who.console.home, `${name}.sigkey`);
  writeFileSync(path, text);
  return path;
};
const units = async () => (await server.call("GET", `/v1/tke/${server.instance}/hsms`)).body.hsms;

test("a fresh instance says what is missing, and nothing can be signed without a key", async () => {
  await Promise.all(everybody().map((one) => one.toCeremony()));
  const plan = await ada.page.getByTestId("plan").innerText();
  assert.match(plan, /Next\s+Install the administrators \(0 of 2 units\)/);
  assert.match(plan, /Later\s+Set the new master key immediate/);
  assert.ok(await ada.page.getByRole("button", { name: /^Sign and propose/ }).isDisabled());
  await ada.person.isAccessible();
});

test("a wrong password opens nothing, and a key file of another kind is refused", async () => {
  const path = await fileOf(grace, "grace", PASSWORD);
  const dialog = await grace.openFile("sigkey", path, "another password");
  await dialog.getByTestId("tke-error").waitFor();
  assert.equal(await dialog.getByTestId("tke-error").getAttribute("data-code"), "password");
  await grace.person.isAccessible();
  const other = join(grace.console.home, "other.sigkey");
  writeFileSync(other, "{}");
  await dialog.locator("input[type=file]").setInputFiles(other);
  await dialog.getByRole("button", { name: "Open", exact: true }).click();
  await dialog.locator("[data-code=keyFile]").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await grace.page.getByTestId("signers").locator("li").count(), 0);
});

test("each administrator installs their own key; a new one is saved as the command line reads it", async () => {
  const saved = await ada.make("sigkey", "ada");
  const file = readFileSync(saved, "utf8");
  assert.equal(JSON.parse(file).name, "ada");
  assert.ok(!file.includes("PRIVATE"));
  ada.file = saved;
  grace.file = join(grace.console.home, "grace.sigkey");
  await grace.openFile("sigkey", grace.file);
  linus.file = await linus.make("sigkey", "linus");
  // At the same time: the units take one command after another.
  await Promise.all(
    everybody().map(async (one) => {
      await one.button(`Install ${one.name}`).click();
      const words = await one.agree("Send");
      assert.match(words, new RegExp(`Add an administrator[\\s\\S]*Administrator added\\s+${one.name}[\\s\\S]*P-521`));
      await one.person.says("Administrator of all units");
    }),
  );
  await ada.page.getByTestId("plan").getByText("Install the administrators (2 of 2 units)").waitFor();
});

test("one proposes the thresholds, another signs what the page decodes, the third sends", async () => {
  await ada.button("Refresh").click();
  await ada.person.says("3 administrators are in every unit now.");
  await ada.page.getByLabel("Note for the other administrators").first().fill("as agreed <b>on Monday</b>");
  await ada.page.getByRole("button", { name: "Sign and propose for 2 units" }).click();
  assert.match(await ada.agree("Sign and propose"), /Signature threshold\s+2\s+Revocation threshold\s+2/);
  await grace.page.getByText("as agreed <b>on Monday</b>").waitFor({ timeout: 40000 });
  // Nobody proposes them a second time unawares.
  await grace.person.says("Thresholds have been proposed already");
  await grace.person.isAccessible();
  const words = await grace.sign("Set thresholds and permissions", 2);
  assert.match(words, /Signature threshold\s+2[\s\S]*Domain\s+\d+, instance \d+[\s\S]*SHA-512/);
  await linus.proposal("Set thresholds and permissions").getByText("2 of 2 signatures").first().waitFor({ timeout: 40000 });
  assert.match(await linus.proposal("Set thresholds and permissions").innerText(), /ada: verified[\s\S]*grace: verified/);
  await linus.send("Set thresholds and permissions");
  for (const unit of await units()) assert.equal(unit.state, "uninitialized");
});

test("a page that is reloaded has forgotten the key and goes on where the units are", async () => {
  await grace.page.reload();
  await grace.page.getByTestId("plan").locator("[aria-current=step]").filter({ hasText: "Load the key parts" }).waitFor();
  assert.equal(await grace.page.getByTestId("signers").locator("li").count(), 0);
  await grace.person.says("Open your signature key first.");
  const kept = await grace.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!/sigkey|enckey|ski/.test(kept), kept);
  await grace.openFile("sigkey", grace.file);
  await grace.person.says("Administrator of all units");
});

test("a relay that puts its own importer key in the place of the unit's is found out before anything is sealed", async () => {
  await ada.button("Make importer keys").click();
  assert.match(await ada.agree("Sign and send"), /Make an importer key[\s\S]*Importer key\s+P-521/);
  await ada.page.locator("button:enabled").filter({ hasText: "Make importer keys" }).waitFor();
  await grace.make("mkpart", "part of grace");
  const stranger = tke.toHex((await tke.newSignatureKey("relay", PASSWORD)).opened.spki.slice(-133)).toUpperCase();
  // Every P-521 key in an answer to the query of the importer key becomes the relay's.
  await grace.page.route("**/v1/tke/*/hsms/*", async (route) => {
    const query = /0404000100040408/i.test(route.request().postData() ?? "");
    if (!query) return route.continue();
    const answer = await route.fetch();
    const { response } = await answer.json();
    return route.fulfill({ response: answer, json: { response: response.replace(/(?<=03818600)04[0-9A-F]{264}/, stranger) } });
  });
  await grace.button("Seal and sign").click();
  await grace.page.locator("[data-code=untrusted]").waitFor();
  assert.equal(await grace.page.getByTestId("sealed-parts").locator("li").count(), 0);
  await grace.page.unroute("**/v1/tke/*/hsms/*");
});

test("two custodians seal their parts at two machines; one loads both", async () => {
  await grace.button("Seal and sign").click();
  const words = await grace.agree("Sign the part");
  assert.match(words, /Load one key part[\s\S]*Verification pattern of the key part\s+[0-9a-f]{56}00000000[\s\S]*Encrypted to the importer key\s+[0-9a-f]{64}/);
  const sealed = await grace.downloaded(() => grace.button("Hand over the part of grace").click());
  await ada.make("mkpart", "part of ada");
  await ada.button("Seal and sign").click();
  await ada.agree("Sign the part");
  const file = JSON.parse(readFileSync(sealed, "utf8"));
  assert.deepEqual(Object.keys(file), ["type", "instance", "pattern", "by", "units"]);
  await ada.page.getByLabel("Take a sealed part").setInputFiles({ name: "grace.sealed", mimeType: "application/json", buffer: readFileSync(sealed) });
  await ada.person.says("Sealed by grace");
  // One that nobody of the units has signed is not taken.
  const forged = { ...file, units: file.units.map((unit, index) => ({ ...unit, request: index ? unit.request : `${unit.request.slice(0, -8)}AAAAAAA=` })) };
  await ada.page.getByLabel("Take a sealed part").setInputFiles({ name: "forged.sealed", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ ...forged, pattern: "22".repeat(32) })) });
  await ada.page.getByTestId("tke-error").waitFor();
  await ada.page.getByTestId("sealed-parts").locator("li").nth(1).waitFor();
  assert.equal(await ada.page.getByTestId("sealed-parts").locator("li").count(), 2);
  await ada.person.isAccessible();
  await ada.button("Load 2 parts into the units").click();
  await ada.page.getByTestId("new-pattern").waitFor();
  await linus.page.getByTestId("new-pattern").waitFor({ timeout: 40000 });
  assert.match(await ada.pattern(), /^[0-9a-f]{56}00000000$/);
  assert.equal(await linus.pattern(), await ada.pattern());
});

test("a stranger's key signs nothing", async () => {
  await ada.page.getByText("I compared this pattern").click();
  await ada.page.getByRole("button", { name: "Sign and propose for 2 units" }).click();
  assert.match(await ada.agree("Sign and propose"), new RegExp(`Verification pattern of the master key\\s+${await ada.pattern()}`));
  await grace.page.reload();
  await grace.proposal("Commit the new master key").waitFor();
  await grace.openFile("sigkey", await fileOf(grace, "mallory", PASSWORD));
  await grace.person.says("Not in 2 of 2 units");
  assert.ok(await grace.proposal("Commit the new master key").getByRole("button", { name: "Read and sign" }).isDisabled());
  await grace.button("Forget mallory").click();
});

test("a server that tells a proposal falsely is found out, and nothing is signed", async () => {
  await grace.openFile("sigkey", grace.file);
  await grace.page.route("**/v1/tke/*/proposals/*", async (route) => {
    const answer = await route.fetch();
    const proposal = await answer.json();
    return route.fulfill({ response: answer, json: { ...proposal, details: { verificationPattern: "11".repeat(32) } } });
  });
  await grace.page.reload();
  await grace.person.says("The service describes the proposal falsely");
  await grace.openFile("sigkey", grace.file);
  await grace.person.says("Administrator of all units");
  assert.ok(await grace.proposal("Commit the new master key").getByRole("button", { name: "Read and sign" }).isDisabled());
  await grace.page.unroute("**/v1/tke/*/proposals/*");
  await grace.page.reload();
  await grace.proposal("Commit the new master key").waitFor();
});

test("commit by two, activation by one: the instance makes and uses keys", async () => {
  await grace.openFile("sigkey", grace.file);
  await grace.sign("Commit the new master key", 2);
  await linus.proposal("Commit the new master key").getByText("2 of 2 signatures").first().waitFor({ timeout: 40000 });
  await linus.send("Commit the new master key");
  await linus.button("Set immediate on 2 units").click();
  assert.match(await linus.agree("Sign and send"), /Set the new master key immediate/);
  await linus.person.says("All units hold the same master key");
  await linus.person.isAccessible();
  for (const unit of await units()) assert.deepEqual([unit.state, unit.membership], ["initialized", "joined"]);
  const [id] = await server.keys({ name: "made after the ceremony" });
  const { status, body } = await server.call("POST", `/api/v2/keys/${id}/actions/wrap`, {});
  assert.equal(status, 200);
  assert.equal((await server.call("POST", `/api/v2/keys/${id}/actions/unwrap`, { ciphertext: body.ciphertext })).body.plaintext, body.plaintext);
});

test("the master key is rotated while its keys are in use, by two administrators at one machine", async () => {
  const [id] = await server.keys({ name: "lives through the rotation" });
  const { ciphertext, plaintext } = (await server.call("POST", `/api/v2/keys/${id}/actions/wrap`, {})).body;
  await ada.toCeremony();
  await ada.openFile("sigkey", ada.file);
  await ada.person.says("The key of ada is open.");
  await ada.openFile("sigkey", grace.file);
  await ada.person.says("The key of grace is open.");
  await ada.button("Make importer keys").click();
  await ada.agree("Sign and send");
  for (const name of ["ada", "grace"]) {
    await ada.make("mkpart", `second part of ${name}`);
    await ada.page.getByLabel("Signed by").selectOption({ label: name });
    await ada.button("Seal and sign").click();
    await ada.agree("Sign the part");
  }
  await ada.button("Load 2 parts into the units").click();
  await ada.page.getByTestId("new-pattern").waitFor();
  assert.match(await ada.page.getByTestId("plan").innerText(), /Seal the stored keys under the new master key/);
  await ada.page.getByText("I compared this pattern").click();
  await ada.page.getByRole("button", { name: "Sign and propose for 2 units" }).click();
  await ada.agree("Sign and propose");
  await ada.proposal("Commit the new master key").getByText("2 of 2 signatures").first().waitFor();
  await ada.send("Commit the new master key");
  await ada.button("Start the rotation").click();
  await ada.page.locator("[data-testid=rotation-phase][data-phase=resealed]").waitFor({ timeout: 60000 });
  await ada.person.isAccessible();
  await ada.button("Set immediate on 2 units").click();
  await ada.agree("Sign and send");
  await ada.person.says("All units hold the same master key");
  const unwrapped = await server.call("POST", `/api/v2/keys/${id}/actions/unwrap`, { ciphertext });
  assert.deepEqual([unwrapped.status, unwrapped.body.plaintext], [200, plaintext]);
  const { body } = await server.call("GET", `/v1/tke/${server.instance}/rotation`);
  assert.deepEqual([body.phase, body.keys_left, body.stored.length], ["none", 0, 1]);
});

test("a new administrator asks to be installed; the quorum decides", async () => {
  await linus.toCeremony();
  await linus.make("sigkey", "hopper");
  await linus.button("Install hopper").click();
  assert.match(await linus.agree("Propose"), /Administrator added\s+hopper/);
  await ada.proposal("Add an administrator").waitFor({ timeout: 40000 });
  assert.ok(await ada.proposal("Add an administrator").getByRole("button", { name: "Send to the units" }).isDisabled());
  // Both keys are open here.
  await ada.sign("Add an administrator", 2);
  await ada.proposal("Add an administrator").getByText("2 of 2 signatures").first().waitFor();
  await ada.send("Add an administrator");
  await linus.page.getByText("Administrator of all units").first().waitFor({ timeout: 40000 });
  // And leaves again.
  await ada.button("Remove hopper").click();
  assert.match(await ada.agree("Sign and propose"), /Administrator removed \(subject key identifier\)\s+[0-9a-f]{64}/);
  await ada.proposal("Remove an administrator").getByText("2 of 2 signatures").first().waitFor();
  await ada.send("Remove an administrator");
  await ada.button("Remove hopper").waitFor({ state: "hidden" });
});

test("the ceremony in Korean, on a small screen, by keyboard alone", async () => {
  await linus.page.setViewportSize({ width: 360, height: 740 });
  await linus.toCeremony();
  await linus.page.getByRole("button", { name: "Account and preferences" }).or(linus.page.getByRole("button", { name: "계정 및 환경설정" })).click();
  await linus.page.getByRole("combobox").first().selectOption({ label: "한국어" });
  await linus.page.getByRole("heading", { name: "세리머니", level: 1 }).waitFor();
  await linus.page.keyboard.press("Escape");
  await linus.toCeremony();
  await linus.person.isAccessible();
  const wide = await linus.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${wide} pixels too wide`);
  await linus.page.getByRole("heading", { name: "제어점" }).waitFor();
  await linus.page.getByRole("button", { name: "서명 키 만들기" }).focus();
  await linus.page.keyboard.press("Enter");
  await linus.dialog().getByLabel("관리자 이름").waitFor();
  await linus.person.isAccessible();
  await linus.page.keyboard.press("Escape");
  await linus.dialog().waitFor({ state: "hidden" });
});

// The three commands of a sealed transfer in the console, between two instances, with the files of the command line in between;
// and what must not be signed.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { promisify } from "node:util";
import { Administrator, series } from "./administrators.mjs";
import { Server, startBrowser } from "./harness.mjs";

let server, browser, source, target, key;
const test = series(() => [source, target]);
before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
  const other = await server.do({ do: "instance", name: "target", initialise: true });
  [key] = await server.keys({ name: "travels" });
  source = await Administrator.open(browser, server, "source");
  target = await Administrator.open(browser, Object.create(server, { instance: { value: other } }), "target");
  for (const one of [source, target]) {
    await one.toCeremony();
    // Both administrators at one machine.
    for (const number of [1, 2]) {
      const name = `${one.instance.slice(0, 8)}-admin${number}`;
      await one.openFile("sigkey", join(server.home, `ceremony/${name}.sigkey`), readFileSync(join(server.home, `${name}.password`), "utf8"));
      await one.page.getByRole("button", { name: `Forget ${name}` }).waitFor();
    }
  }
});
after(async () => {
  await Promise.all([source, target].map((one) => one?.close()));
  await browser?.close();
  await server?.stop();
});

const at = (name) => join(source.console.home, name);
const keyhaven = async (...command) => {
  const env = { ...process.env, KH_URL: server.url, KH_CA: server.ca, KH_API_KEY: server.apiKey, HOME: source.console.home, CLOUDTKEFILES: join(server.home, "ceremony") };
  return JSON.parse((await promisify(execFile)(join(server.bin, "keyhaven"), ["--output", "json", ...command], { env })).stdout);
};
const form = (one) => one.page.getByTestId("transfer-commands");
const choose = async (one, number, name, content) => form(one).locator("input[type=file]").nth(number).setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(content) });
const command = (one, label) => form(one).getByLabel("Command").selectOption({ label });
// Proposed with both signatures, then sent.
async function send(one, name) {
  await one.proposal(name).getByText("2 of 2 signatures").first().waitFor();
  await one.send(name);
}
const root = () => readFileSync(at("root"), "utf8");

test("both control points are switched on by the quorums", async () => {
  for (const [one, words] of [[source, "Keys may leave in a sealed transfer to another deployment"], [target, "Keys may come in a sealed transfer from another deployment"]]) {
    await one.button(`Switch on: ${words}`).click();
    await one.agree("Sign and propose");
    await send(one, "Switch control points on");
    await one.button(`Switch off: ${words}`).waitFor();
  }
});

test("the target offers to take keys of one instance; the unit's answer is saved as a file", async () => {
  const button = form(target).getByRole("button", { name: "Verify and propose" });
  await choose(target, 0, "source.root", root());
  await form(target).getByLabel("Instance whose keys are taken").fill("no id");
  assert.ok(await button.isDisabled());
  await target.person.isAccessible();
  await form(target).getByLabel("Instance whose keys are taken").fill(source.instance);
  await button.click();
  assert.match(await target.agree("Sign and propose"), new RegExp(`Offer to take keys[\\s\\S]*${source.instance}`));
  const name = "Offer to take keys of another deployment";
  await target.proposal(name).getByText("2 of 2 signatures").first().waitFor();
  const path = await target.downloaded(() => target.proposal(name).getByRole("button", { name: "Send to the units" }).click());
  writeFileSync(at("offer.txt"), readFileSync(path));
  assert.match(readFileSync(path, "utf8"), /^-----BEGIN KEYHAVEN TRANSFER OFFER-----\n/);
});

test("an offer that was changed, is for another instance, or of another root is not signed for", async () => {
  const offer = readFileSync(at("offer.txt"), "utf8");
  await command(target, "At the source: let keys leave for an offer");
  await choose(target, 1, "offer.txt", offer);
  await form(target).getByRole("button", { name: "Verify and propose" }).click();
  await target.page.getByText(`the offer takes keys of instance ${source.instance}, not of ${target.instance}`).waitFor();
  await command(source, "At the source: let keys leave for an offer");
  await choose(source, 0, "target.root", root());
  const changed = offer.split("\n").map((line, index) => (index === 8 ? line.replace(/^./, (letter) => (letter === "A" ? "B" : "A")) : line));
  await choose(source, 1, "changed.txt", changed.join("\n"));
  await form(source).getByRole("button", { name: "Verify and propose" }).click();
  await source.page.getByTestId("tke-error").waitFor();
  await choose(source, 1, "none.txt", "no offer");
  await form(source).getByRole("button", { name: "Verify and propose" }).click();
  await source.page.getByText("no offer to take keys is in this file").waitFor();
  await choose(source, 0, "broken.root", root().replace(/^X: ../m, "X: ff"));
  await choose(source, 1, "offer.txt", offer);
  await form(source).getByRole("button", { name: "Verify and propose" }).click();
  await source.page.locator("[data-code=malformed]").waitFor();
  assert.equal(await source.page.getByTestId("proposal").count(), 0);
});

test("the source lets keys leave for the offer; the command line exports them without another signature", async () => {
  await choose(source, 0, "target.root", root());
  await choose(source, 1, "offer.txt", readFileSync(at("offer.txt")));
  await form(source).getByRole("button", { name: "Verify and propose" }).click();
  assert.match(await source.agree("Sign and propose"), new RegExp(`Authorize the transfer of keys[\\s\\S]*${source.instance}[\\s\\S]*${target.instance}`));
  await send(source, "Authorize the transfer of keys to another deployment");
  const done = await keyhaven("transfer", "export", "--instance", source.instance, "--offer", at("offer.txt"), "--target-root", at("root"), "--attestation-root", at("root"), "--bundle", at("keys.bundle"), "--valid", "24h");
  assert.equal(done.key_count, 1);
});

test("a damaged bundle is not consented to, a whole one is; then the keys are in the target", async () => {
  const bundle = readFileSync(at("keys.bundle"));
  await command(target, "At the target: let the unit open a bundle");
  for (const bad of [bundle.subarray(0, -1), bundle.map((byte, index) => (index === 400 ? byte ^ 1 : byte)), Buffer.concat([bundle, Buffer.from([0])]), Buffer.from("nothing")]) {
    await choose(target, 1, "bad.bundle", bad);
    await form(target).getByRole("button", { name: "Verify and propose" }).click();
    await target.page.getByTestId("tke-error").waitFor();
    assert.equal(await target.page.getByTestId("proposal").count(), 0);
  }
  await choose(target, 1, "keys.bundle", bundle);
  await form(target).getByRole("button", { name: "Verify and propose" }).click();
  await target.page.getByTestId("consent-keys").getByText("travels").waitFor();
  await target.person.isAccessible();
  const words = await target.agree("Sign and propose");
  assert.match(words, new RegExp(`Keys come from instance\\s+${source.instance}[\\s\\S]*1 key of the bundle\\s+travels ${key} root, 1 version[\\s\\S]*Consent to transferred keys[\\s\\S]*SHA-256 [0-9a-f]{64}`));
  await send(target, "Consent to transferred keys");
  await keyhaven("transfer", "import", "--instance", target.instance, "--bundle", at("keys.bundle"));
  const { status, body } = await server.do({ do: "call", method: "GET", path: `/api/v2/keys/${key}`, instance: target.instance });
  assert.equal(status, 200, body);
  assert.equal(JSON.parse(body).resources[0].name, "travels");
});

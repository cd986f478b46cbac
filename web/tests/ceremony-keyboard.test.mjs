// A whole ceremony without a mouse, in the dark theme; and units that are not of the root which was pinned.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Administrator, PASSWORD, series } from "./administrators.mjs";
import { Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
const MOST_STOPS = 150;
let server, browser, ada, page;
const test = series(() => [ada]);
before(async () => {
  [server, browser] = await Promise.all([Server.start("--uninitialised"), startBrowser()]);
  ada = await Administrator.open(browser, server, "ada", { colorScheme: "dark" });
  page = ada.page;
  await page.addInitScript(() => {
    globalThis.pointed = 0;
    for (const name of ["pointerdown", "mousedown", "touchstart"]) addEventListener(name, () => (globalThis.pointed += 1), true);
  });
  await ada.toCeremony();
});
after(async () => {
  await ada?.close();
  await browser?.close();
  await server?.stop();
  await unload();
});

const nameOfFocus = () =>
  page.evaluate(() => {
    const { activeElement: one } = document;
    return (one?.getAttribute("aria-label") ?? one?.labels?.[0]?.innerText ?? one?.innerText ?? "").replace(/\s+/g, " ").trim();
  });
// From stop to stop until the one of this name.
async function to(name) {
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    const found = await nameOfFocus();
    if (typeof name === "string" ? found === name : name.test(found)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no stop called ${name}`);
}
async function press(name, key = "Enter") {
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== "running"));
  await to(name);
  // A button that waits for something is no stop until it can be pressed.
  await page.keyboard.press(key);
}
async function type(label, text) {
  await to(label);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}
// Reads, ticks and agrees.
async function agree(label) {
  await ada.dialog().getByTestId("block").first().waitFor();
  const words = await ada.dialog().innerText();
  await press(/^I have read/, "Space");
  await press(label);
  await ada.dialog().filter({ hasText: /[0-9a-f]{128}/.exec(words)[0] }).waitFor({ state: "hidden" });
  return words;
}
async function make(kind, field, name) {
  await press(kind);
  await ada.dialog().waitFor();
  await type(field, name);
  await type("Password of the file", PASSWORD);
  await type("The password again", PASSWORD);
  await ada.downloaded(() => page.keyboard.press("Enter"));
  await ada.dialog().waitFor({ state: "hidden" });
}
const ready = (name) => page.locator("button:enabled").filter({ hasText: name }).first().waitFor({ timeout: 40000 });

test("keys are made and installed by the keyboard alone", async () => {
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  for (const name of ["ada", "grace"]) {
    await make("Make a signature key", "Administrator name", name);
    await ready(`Install ${name}`);
    await press(`Install ${name}`);
    assert.match(await agree("Send"), new RegExp(`Administrator added\\s+${name}`));
    await page.getByRole("button", { name: `Install ${name}` }).waitFor({ state: "hidden" });
  }
  await ada.person.isAccessible();
});

test("thresholds are proposed, signed and sent", async () => {
  await page.getByText("2 administrators are in every unit now.").waitFor();
  for (const label of ["Signature threshold", "Revocation threshold"]) await type(label, "1");
  await press("Sign and propose for 2 units");
  await ada.dialog().getByTestId("block").first().waitFor();
  await ada.person.isAccessible();
  await agree("Sign and propose");
  await ready("Send to the units");
  await ada.person.isAccessible();
  await press("Send to the units");
  await ready("Make importer keys");
});

test("key parts are made, sealed and loaded; committed and set immediate", async () => {
  await press("Make importer keys");
  await agree("Sign and send");
  for (const name of ["ada", "grace"]) {
    await ready("Make a key part");
    await make("Make a key part", "Description of the key part", `part of ${name}`);
    await to("Signed by");
    await page.keyboard.type(name);
    await press("Seal and sign");
    await agree("Sign the part");
  }
  await ready("Load 2 parts into the units");
  await press("Load 2 parts into the units");
  await page.getByTestId("new-pattern").waitFor();
  await ada.person.isAccessible();
  await press(/^I compared this pattern/, "Space");
  await press("Sign and propose for 2 units");
  await agree("Sign and propose");
  await ready("Send to the units");
  await press("Send to the units");
  await ready("Set immediate on 2 units");
  await press("Set immediate on 2 units");
  await agree("Sign and send");
  await ada.person.says("All units hold the same master key");
  await ada.person.isAccessible();
  assert.equal(await page.evaluate(() => globalThis.pointed), 0);
});

test("Escape leaves every dialog without a command", async () => {
  const entries = async () => (await server.call("GET", `/v1/tke/${server.instance}/transcript?start=1&limit=1`)).body.last;
  const before = await entries();
  await press(/^Zeroize/);
  await ada.dialog().waitFor();
  await ada.person.isAccessible();
  await page.keyboard.press("Escape");
  await ada.dialog().waitFor({ state: "hidden" });
  await press("Switch on: EdDSA and Curve25519");
  await ada.dialog().getByTestId("block").first().waitFor();
  await page.keyboard.press("Escape");
  await ada.dialog().waitFor({ state: "hidden" });
  assert.equal(await entries(), before);
});

test("units that do not lead to the pinned root are not believed, and nothing is signed", async () => {
  const { opened } = await tke.newSignatureKey("another root", PASSWORD);
  const point = opened.spki.slice(-133);
  const root = `SKI: ${tke.toHex(opened.ski)}\nX: ${tke.toHex(point.slice(1, 67))}\nY: ${tke.toHex(point.slice(67))}\n`;
  const path = join(ada.console.home, "another.root");
  writeFileSync(path, root, { mode: 0o600 });
  const deceived = await Administrator.open(browser, server, "deceived", { pinned: path });
  await deceived.person.go(`/instances/${server.instance}/ceremony`);
  await deceived.page.locator("[data-code=foreign]").first().waitFor();
  await deceived.person.says("The ceremony does not go on");
  assert.equal(await deceived.page.getByRole("button", { name: /signature key|key part|^Sign|Zeroize/ }).count(), 0);
  await deceived.person.isAccessible();
  await deceived.close();
});

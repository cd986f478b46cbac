// Key parts as shares and on paper, in the console: made, given back, and refused; then loaded into the units.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { Administrator, PASSWORD, series } from "./administrators.mjs";
import { Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
let server, browser, ada;
const test = series(() => [ada]);
before(async () => {
  [server, browser] = await Promise.all([Server.start("--uninitialised"), startBrowser()]);
  ada = await Administrator.open(browser, server, "ada");
  await ada.toCeremony();
  await ada.begin();
});
after(async () => {
  await ada?.close();
  await browser?.close();
  await server?.stop();
  await unload();
});

const set = { files: [] };
let first;
const row = (name) => ada.page.getByTestId("parts").locator("li").filter({ hasText: name });
const printed = async () => {
  await ada.page.emulateMedia({ media: "print" });
  const pages = await ada.page.getByTestId("paper").allInnerTexts();
  const others = await ada.page.getByRole("heading", { name: "Ceremony" }).isVisible();
  await ada.page.emulateMedia({ media: null });
  return { pages, others };
};
const linesOf = (page) => [...page.matchAll(/^\d+\s+([0-9a-f]{4} [0-9a-f]{4})\s+([0-9a-f]{4})\s+(\S.*)$/gm)].map(([, digits, check, words]) => ({ typed: `${digits} ${check}`, words }));

test("a key part is split: the transcript is shown, signed, and each custodian gets a file with a password", async () => {
  first = JSON.parse(readFileSync(await ada.make("mkpart", "part one"), "utf8")).vp;
  await row("part one").getByRole("button", { name: "Split into shares" }).click();
  await ada.dialog().getByLabel("Shares that are made").fill("3");
  await ada.dialog().getByLabel("Shares that give the part back").fill("4");
  assert.ok(await ada.dialog().getByRole("button", { name: "Next" }).isDisabled());
  await ada.dialog().getByLabel("Shares that give the part back").fill("2");
  await ada.person.isAccessible();
  await ada.dialog().getByRole("button", { name: "Next" }).click();
  const words = await ada.page.getByTestId("share-transcript").innerText();
  assert.match(words, new RegExp(`part part one\\nhash ${first}\\n[\\s\\S]*shares 2 of 3\\ncommitment 1 [0-9a-f]{64}`));
  await ada.dialog().getByText("I have read the transcript").click();
  await ada.dialog().getByRole("button", { name: "Sign", exact: true }).click();
  for (let number = 1; number <= 3; number += 1) {
    const dialog = ada.page.getByRole("dialog", { name: `Share ${number} of 3` });
    await dialog.getByLabel("Password of the file").fill(`${PASSWORD} ${number}`);
    await dialog.getByLabel("The password again").fill(`${PASSWORD} ${number}`);
    set.files.push(await ada.downloaded(() => dialog.getByRole("button", { name: "Make and download" }).click()));
  }
  set.transcript = await ada.downloaded(() => ada.button("Save the signed transcript").click());
  await ada.page.keyboard.press("Escape");
  const { transcript } = await tke.inspectShare(readFileSync(set.files[0], "utf8"));
  assert.equal(readFileSync(set.transcript, "utf8"), tke.encodeTranscript(transcript));
  assert.deepEqual(transcript.signatures.map(({ name }) => name), ["ada", "grace"]);
});

test("a wrong password, a share given twice and one of another set are named and not kept", async () => {
  await row("part one").getByRole("button", { name: "Forget the key part" }).click();
  await ada.button("Key part from shares").click();
  const open = async (path, password) => {
    await ada.dialog().locator("input[type=file]").first().setInputFiles({ name: "one.mkshare", mimeType: "application/json", buffer: readFileSync(path) });
    await ada.dialog().getByLabel("Password of the file").fill(password);
    await ada.dialog().getByRole("button", { name: "Open the share" }).click();
  };
  await open(set.files[1], PASSWORD);
  await ada.dialog().locator("[data-code=password]").waitFor({ timeout: 40000 });
  await ada.person.isAccessible();
  await ada.dialog().getByLabel("Password of the file").fill(`${PASSWORD} 2`);
  await ada.dialog().getByRole("button", { name: "Open the share" }).click();
  await ada.dialog().getByText("1 of 2 shares of key part part one").waitFor({ timeout: 40000 });
  assert.ok(await ada.dialog().getByRole("button", { name: "Put the key part together" }).isDisabled());
  await open(set.files[1], `${PASSWORD} 2`);
  await ada.dialog().getByText(/is given twice/).waitFor({ timeout: 40000 });
  // Signed by nobody whom this page trusts.
  const { opened: stranger } = await tke.newSignatureKey("mallory", PASSWORD);
  const other = await tke.makeShares(new Uint8Array(32).fill(7), "part one", "2026-11-26T10:00:00Z", 2, 2);
  await tke.signTranscript(other.transcript, [stranger]);
  await ada.dialog().locator("input[type=file]").nth(1).setInputFiles({ name: "other.mkset", mimeType: "text/plain", buffer: Buffer.from(tke.encodeTranscript(other.transcript)) });
  await ada.dialog().getByText(/nobody whom you trust signed/).waitFor();
  await ada.dialog().getByLabel(/^Trust also/).fill(tke.toHex(stranger.ski));
  await ada.dialog().locator("input[type=file]").nth(1).setInputFiles({ name: "other.mkset", mimeType: "text/plain", buffer: Buffer.from(tke.encodeTranscript(other.transcript)) });
  await ada.dialog().getByText(/is of another set/).waitFor();
  await open(set.files[2], `${PASSWORD} 3`);
  await ada.dialog().getByText("2 of 2 shares of key part part one").waitFor({ timeout: 40000 });
  await ada.dialog().getByRole("button", { name: "Put the key part together" }).click();
  await ada.dialog().waitFor({ state: "hidden" });
  await row("part one").filter({ hasText: first }).waitFor();
});

test("a part is printed, and only printed; typed back, a wrong line is named", async () => {
  await ada.make("mkpart", "part two");
  await row("part two").getByRole("button", { name: "Print on paper" }).click();
  await ada.person.says("The secret stands on the page in clear");
  assert.equal(await ada.page.getByTestId("paper").isVisible(), false);
  await ada.page.evaluate(() => (globalThis.print = () => (globalThis.printed = true)));
  await ada.dialog().getByRole("button", { name: "Print", exact: true }).click();
  assert.ok(await ada.page.evaluate(() => globalThis.printed));
  await ada.person.isAccessible();
  const { pages, others } = await printed();
  assert.deepEqual([pages.length, others], [1, false]);
  const lines = linesOf(pages[0]);
  assert.equal(lines.length, 9);
  await ada.page.keyboard.press("Escape");
  assert.equal(await ada.page.getByTestId("paper").count(), 0);
  const pattern = await row("part two").locator("code").first().innerText();
  await row("part two").getByRole("button", { name: "Forget the key part" }).click();
  await ada.button("Type a key part").click();
  for (const [at, { typed, words }] of lines.entries()) {
    const field = ada.dialog().getByLabel(`Line ${at + 1} of 9`);
    if (at === 3) {
      await field.fill(lines[4].typed);
      await ada.page.keyboard.press("Enter");
      await ada.dialog().locator("[data-code=paper]").waitFor();
      await ada.person.isAccessible();
    }
    await field.fill(at % 2 ? words : typed);
    await ada.page.keyboard.press("Enter");
  }
  await row("Key part on paper").waitFor();
  assert.equal(await row("Key part on paper").locator("code").first().innerText(), pattern);
});

test("shares on paper need the transcript, and give the part back", async () => {
  await row("Key part on paper").getByRole("button", { name: "Split into shares" }).click();
  await ada.dialog().getByLabel("Label of the key part").fill("part two");
  await ada.dialog().getByLabel("Shares that are made").fill("2");
  await ada.dialog().getByLabel("Shares that give the part back").fill("2");
  await ada.dialog().getByText("On paper, in clear").click();
  await ada.dialog().getByRole("button", { name: "Next" }).click();
  await ada.dialog().getByText("I have read the transcript").click();
  await ada.dialog().getByRole("button", { name: "Sign", exact: true }).click();
  await ada.person.says("2 pages with digits");
  await ada.page.getByTestId("paper").nth(1).waitFor({ state: "attached" });
  const { pages } = await printed();
  assert.match(pages[1], /keyhaven share 2 of 2 of a key part[\s\S]*2 shares and the transcript of the set/i);
  await ada.page.keyboard.press("Escape");
  const transcript = await ada.downloaded(() => ada.button("Save the signed transcript").click());
  await ada.page.keyboard.press("Escape");
  await ada.button("Key part from shares").click();
  assert.ok(await ada.dialog().getByRole("button", { name: "Type a share" }).isDisabled());
  await ada.dialog().locator("input[type=file]").nth(1).setInputFiles({ name: "two.mkset", mimeType: "text/plain", buffer: readFileSync(transcript) });
  for (const [at, page] of pages.entries()) {
    await ada.dialog().getByText(`${at} of 2 shares of key part part two`).waitFor();
    await ada.dialog().getByRole("button", { name: "Type a share" }).click();
    for (const [number, { typed }] of linesOf(page).entries()) {
      await ada.dialog().getByLabel(`Line ${number + 1} of 16`).fill(typed);
      await ada.page.keyboard.press("Enter");
    }
  }
  await ada.dialog().getByText("2 of 2 shares of key part part two").waitFor();
  await ada.dialog().getByRole("button", { name: "Put the key part together" }).click();
  await ada.dialog().waitFor({ state: "hidden" });
});

test("what came from shares and from paper is sealed and loaded like any key part; nothing of it was kept", async () => {
  for (const [name, signer] of [["part one", "ada"], ["part two", "grace"]]) {
    await row(name).getByLabel("Signed by").selectOption({ label: signer });
    await row(name).getByRole("button", { name: "Seal and sign" }).click();
    await ada.agree("Sign the part");
  }
  await ada.button("Load 2 parts into the units").click();
  await ada.page.getByTestId("new-pattern").waitFor();
  const kept = await ada.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!/share|paper|part/.test(kept), kept);
});

test("half of a command that the page saw while it was proposed cannot be sent alone", async () => {
  const isList = (url) => url.pathname.endsWith("/proposals");
  const commit = ada.proposal("Commit the new master key");
  const send = commit.getByRole("button", { name: "Send to the units" });
  let posted = 0;
  let answered = false;
  let release;
  let look;
  const held = new Promise((resolve) => (release = resolve));
  const looked = new Promise((resolve) => (look = resolve));
  await ada.page.route(isList, async (route) => {
    if (route.request().method() === "POST") {
      posted += 1;
      // The second unit's waits until the page has looked and shows the first one's.
      if (posted === 2) {
        await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
        await commit.getByText("1 unit", { exact: true }).waitFor();
      }
    } else if (posted === 2 && answered) {
      look();
      await held;
    }
    await route.continue();
    answered ||= posted === 2 && route.request().method() === "POST";
  });
  await ada.page.getByText("I compared this pattern").click();
  await ada.page.getByRole("button", { name: "Sign and propose for 2 units" }).click();
  await ada.agree("Sign and propose");
  await looked;
  // The work is over: only what was seen meanwhile keeps the button closed.
  await ada.page.getByRole("button", { name: "Forget ada" }).and(ada.page.locator(":enabled")).waitFor();
  await ada.page.getByText("Working").waitFor({ state: "hidden" });
  await commit.getByText("1 unit", { exact: true }).waitFor();
  assert.ok(await send.isDisabled());
  release();
  await commit.getByText("2 units", { exact: true }).waitFor();
  await ada.page.unroute(isList);
  await ada.send("Commit the new master key");
});

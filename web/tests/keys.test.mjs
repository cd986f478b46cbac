// Keys: every action from the list, hostile names, two people at once, roles, secure import.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { Person, Server, startBrowser } from "./harness.mjs";

let server, browser, person;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
  person = await Person.open(browser, server);
  await person.logIn();
});
after(async () => {
  await person?.close();
  await browser?.close();
  await server?.stop();
});

const keyOf = async (id) => (await server.call("GET", `/api/v2/keys/${id}/metadata`)).body.resources[0];

test("a key is created with everything the form offers", async () => {
  await person.toKeys();
  await person.says("No keys yet");
  await person.isAccessible();
  await person.page.getByRole("button", { name: "Create key" }).click();
  const dialog = person.dialog();
  await dialog.getByLabel("Name").fill("ledger");
  await dialog.getByLabel("Aliases").fill("books, not an alias!");
  await person.says("not an alias! cannot be an alias");
  assert.ok(await dialog.getByRole("button", { name: "Create key" }).isDisabled());
  await dialog.getByLabel("Aliases").fill("books, year-end");
  await dialog.getByLabel("Description").fill("Wraps the ledger's data keys");
  await dialog.getByLabel("Expiration date").fill("2099-01-02T03:04");
  await person.isAccessible();
  await dialog.getByRole("button", { name: "Create key" }).click();
  await person.says("Key ledger was created.");
  await person.row("ledger").waitFor();
  const { body } = await server.call("GET", "/api/v2/keys/books/metadata");
  const key = body.resources[0];
  assert.deepEqual([key.name, key.extractable, key.aliases, key.description], ["ledger", false, ["books", "year-end"], "Wraps the ledger's data keys"]);
  // 03:04 in Seoul.
  assert.equal(key.expirationDate, "2099-01-01T18:04:00Z");
});

for (const [look, options] of Object.entries({ light: {}, dark: { colorScheme: "dark" }, Korean: { locale: "ko-KR" } })) {
  test(`at 360 pixels, ${look}, name, state and menu of a key are in sight`, async () => {
    const small = await Person.open(browser, server, { ...options, viewport: { width: 360, height: 740 } });
    await small.context.addCookies(await person.context.cookies());
    await small.go(`/instances/${server.instance}/keys`);
    const row = small.row("ledger");
    await row.waitFor();
    const parts = { name: row.getByRole("link", { name: "ledger" }), state: row.locator(".kh-state"), menu: row.locator(".kh-menu-cell button") };
    const at = Object.fromEntries(await Promise.all(Object.entries(parts).map(async ([name, part]) => [name, await part.boundingBox()])));
    const gap = (one, other) => Math.round(other.x - (one.x + one.width));
    assert.ok(gap(at.name, at.menu) >= 0 && gap(at.state, at.menu) >= 0, JSON.stringify(at));
    assert.ok(at.name.x >= 0 && at.state.x >= 0 && at.menu.x + at.menu.width <= 360, JSON.stringify(at));
    assert.ok(at.state.y >= at.name.y + at.name.height - 1, "the state is not below the name");
    // What is there is not cut off within its cell, either.
    assert.ok(await parts.state.evaluate((state) => state.closest(".kh-cell").scrollWidth <= state.closest(".kh-cell").clientWidth));
    await small.isAccessible();
    // Wide again, the state has its own column.
    await small.page.setViewportSize({ width: 1280, height: 740 });
    await small.page.waitForFunction(() => document.querySelector(".kh-state").closest("td").previousElementSibling !== null);
    await small.close();
  });
}

test("the focus goes back to where a dialog was opened, and stays in the table when its row has gone", async () => {
  const at = (what) => person.page.waitForFunction((selector) => document.activeElement?.matches(selector), what);
  await server.call("POST", "/api/v2/key_rings/short-lived");
  await person.go(`/instances/${server.instance}/key-rings`);
  await person.page.getByRole("button", { name: /short-lived/ }).focus();
  await person.page.keyboard.press("Enter");
  await person.dialog().waitFor();
  await person.page.keyboard.press("Escape");
  await person.dialog().waitFor({ state: "hidden" });
  await at("td button");
  await person.page.keyboard.press("Enter");
  await person.page.waitForFunction(() => document.activeElement?.id === "confirm-name");
  await person.page.keyboard.type("short-lived");
  await person.page.keyboard.press("Enter");
  await person.page.getByRole("link", { name: "short-lived" }).waitFor({ state: "hidden" });
  await at(".kh-table-region");
  // Of a menu it is the button that opens it.
  await person.toKeys();
  await person.choose("ledger", "Disable key");
  await person.dialog().waitFor();
  await person.page.keyboard.press("Escape");
  await person.dialog().waitFor({ state: "hidden" });
  await at(".cds--overflow-menu");
});

test("a refused search shows why, and not that there is nothing", async () => {
  await person.page.route("**/api/v2/keys?*", (route) =>
    route.fulfill({ status: 400, json: { metadata: { collectionType: "application/vnd.ibm.kms.error+json", collectionTotal: 1 }, resources: [{ errorMsg: "Bad Request: too many keys", reasons: [{ code: "KEY_SEARCH_TOO_BROAD", message: "too many keys", status: 400 }] }] } }),
  );
  await person.go(`/instances/${server.instance}/keys?search=led`);
  await person.says("This instance has more than 5,000 keys");
  assert.equal(await person.page.getByText("No key matches").count(), 0);
  await person.page.unroute("**/api/v2/keys?*");
});

test("what could not be copied is said", async () => {
  await person.toKeys();
  await person.row("ledger").waitFor();
  await person.page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error("no"))));
  await person.page.getByRole("button", { name: "Copy ID of ledger" }).click();
  await person.says("Could not be copied. Select the text and copy it yourself.");
  await person.row("ledger").getByRole("link").click();
  await person.page.getByRole("button", { name: "Copy ID" }).first().click();
  await person.page.locator(".kh-copy-failed").waitFor();
  await person.isAccessible();
});

test("one Escape closes a dialog, wherever the focus is in it", async () => {
  await person.toKeys();
  await person.page.getByRole("button", { name: "Create key" }).click();
  await person.dialog().getByRole("button", { name: "Close", exact: true }).focus();
  await person.dialog().getByRole("tooltip").filter({ visible: true }).or(person.page.locator(".cds--popover--open")).first().waitFor();
  await person.page.keyboard.press("Escape");
  await person.dialog().waitFor({ state: "hidden" });
  await person.choose("ledger", "Delete key");
  await person.dialog().waitFor();
  await person.page.keyboard.press("Escape");
  await person.dialog().waitFor({ state: "hidden" });
});

test("a refused creation keeps the form, tells reason and correlation id", async () => {
  await person.toKeys();
  await person.page.getByRole("button", { name: "Create key" }).click();
  const dialog = person.dialog();
  await dialog.getByLabel("Name").fill("another ledger");
  await dialog.getByLabel("Aliases").fill("books");
  await dialog.getByRole("button", { name: "Create key" }).click();
  await dialog.getByTestId("error-code").waitFor();
  assert.equal(await dialog.getByTestId("error-code").innerText(), "KEY_ALIAS_NOT_UNIQUE_ERR");
  assert.match(await dialog.locator(".kh-error").innerText(), /Correlation ID: [0-9a-f-]{36}/);
  assert.equal(await dialog.getByLabel("Name").inputValue(), "another ledger");
  await person.isAccessible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
});

test("in Korean a refusal says in Korean what it means and what to do, and quotes the server's sentence as English", async () => {
  const reader = await Person.open(browser, server, { locale: "ko-KR" });
  await reader.context.addCookies(await person.context.cookies());
  await reader.go(`/instances/${server.instance}/keys`);
  await reader.page.getByRole("button", { name: "키 작성" }).click();
  const dialog = reader.dialog();
  await dialog.locator("#key-name").fill("또 하나의 키");
  await dialog.locator("#key-aliases").fill("books");
  await dialog.locator("form button[type=submit]").evaluate((button) => button.click());
  await dialog.getByText("이미 사용 중인 별명입니다").waitFor();
  await dialog.getByText("다른 별명을 선택하십시오").waitFor();
  assert.match(await dialog.locator(".kh-error [lang=en]").innerText(), /books/);
  assert.equal(await dialog.getByTestId("error-code").innerText(), "KEY_ALIAS_NOT_UNIQUE_ERR");
  await reader.isAccessible();
  await reader.close();
});

test("a standard key is imported, and its material shown and hidden", async () => {
  const material = randomBytes(48).toString("base64");
  await person.toKeys();
  await person.page.getByRole("button", { name: "Import your own key" }).click();
  const dialog = person.dialog();
  await dialog.getByText("Standard key", { exact: true }).click();
  await dialog.getByLabel("Name").fill("webhook secret");
  await dialog.getByLabel("Key material, base64").fill("no base64");
  await person.says("That is not base64.");
  await dialog.getByLabel("Key material, base64").fill(material);
  await dialog.getByRole("button", { name: "Import key" }).click();
  await person.says("Key webhook secret was imported.");
  await person.row("webhook secret").getByRole("link").click();
  await person.page.getByRole("button", { name: "Show material" }).click();
  assert.ok((await person.page.getByTestId("payload").innerText()).includes(material));
  await person.page.getByRole("button", { name: "Hide material" }).click();
  await person.page.getByTestId("payload").waitFor({ state: "hidden" });
  assert.ok(!(await person.page.content()).includes(material));
});

test("the life of a root key: rotate, disable, enable, move, delete, restore", async () => {
  const [id] = await server.keys({ name: "life" });
  await server.call("POST", "/api/v2/key_rings/archive");
  await person.toKeys();

  await person.choose("life", "Rotate key");
  await person.dialog().getByRole("button", { name: "Rotate key" }).click();
  // The deployment rotates without an interval, so it is allowed at once.
  await person.says("Key life was rotated.");

  await person.choose("life", "Disable key");
  const disable = person.dialog().getByRole("button", { name: "Disable key" });
  assert.ok(await disable.isDisabled());
  await person.page.getByLabel("Type life to confirm").fill("lif");
  assert.ok(await disable.isDisabled());
  await person.page.getByLabel("Type life to confirm").fill("life");
  await person.isAccessible();
  await disable.click();
  await person.says("Key life was disabled.");
  await person.row("life").getByText("Disabled").waitFor();

  // Thirty seconds have not passed: the server says so, and the dialog shows why.
  await person.choose("life", "Enable key");
  await person.dialog().getByRole("button", { name: "Enable key" }).click();
  await person.dialog().getByTestId("error-code").waitFor();
  assert.equal(await person.dialog().getByTestId("error-code").innerText(), "REQ_TOO_EARLY_ERR");
  await person.dialog().getByRole("button", { name: "Cancel" }).click();

  await person.choose("life", "Change key ring");
  await person.dialog().getByLabel("Key ring").selectOption("archive");
  await person.dialog().getByRole("button", { name: "Save" }).click();
  await person.says("Key life is in ring archive now.");

  await person.choose("life", "Delete key");
  await person.page.getByLabel("Type life to confirm").fill("life");
  await person.dialog().getByRole("button", { name: "Delete key" }).click();
  await person.says("Key life was deleted.");
  await person.row("life").waitFor({ state: "hidden" });
  assert.equal((await keyOf(id)).state, 5);

  await person.page.getByRole("combobox", { name: "State" }).selectOption("5");
  await person.row("life").getByRole("img", { name: /Can be restored until/ }).waitFor();
  assert.match(person.page.url(), /state=5/);
  // A manager may not purge: who may is in permissions.test.mjs.
  await person.row("life").getByRole("button", { name: "Actions of life" }).click();
  await person.page.getByRole("menuitem", { name: "Restore key", exact: true }).waitFor();
  assert.equal(await person.page.getByRole("menuitem", { name: "Purge key" }).count(), 0);
  await person.page.keyboard.press("Escape");
});

test("two people delete a key with dual authorization; one alone cannot", async () => {
  const [id] = await server.keys({ name: "two people" });
  const second = await Person.open(browser, server);
  await second.logIn(await server.do({ do: "service_id", name: "second manager", role: "Manager", instance: server.instance }));
  await person.go(`/instances/${server.instance}/keys/${id}?tab=policies`);
  await person.page.getByRole("button", { name: "Require two people" }).click();
  assert.equal(await person.page.title(), "two people · payroll · Keyhaven");
  const confirm = person.dialog().getByRole("button", { name: "Require two people" });
  assert.ok(await confirm.isDisabled());
  await person.isAccessible();
  await person.dialog().getByText("I understand that this cannot be switched off for this key").click();
  await confirm.click();
  await person.says("Two people are needed to delete this key");
  await person.isAccessible();
  await person.toKeys();
  await person.choose("two people", "Schedule key deletion");
  await person.page.getByLabel("Type two people to confirm").fill("two people");
  await person.dialog().getByRole("button", { name: "Schedule key deletion" }).click();
  await person.says("Key two people was scheduled for deletion.");
  await person.row("two people").getByRole("img", { name: /Authorized for deletion until/ }).waitFor();

  await person.choose("two people", "Delete key");
  await person.page.getByLabel("Type two people to confirm").fill("two people");
  await person.dialog().getByRole("button", { name: "Delete key" }).click();
  await person.dialog().getByTestId("error-code").waitFor();
  assert.equal(await person.dialog().getByTestId("error-code").innerText(), "AUTHORIZATIONS_NOT_MET");

  await second.toKeys();
  await second.choose("two people", "Delete key");
  await second.page.getByLabel("Type two people to confirm").fill("two people");
  await second.dialog().getByRole("button", { name: "Delete key" }).click();
  await second.says("Key two people was deleted.");
  await second.close();

  // The first one's page is stale: the dialog says so, and closing it shows what is.
  await person.dialog().getByRole("button", { name: "Delete key" }).click();
  await person.page.waitForFunction(() => document.querySelector("[data-testid=error-code]")?.textContent === "KEY_DELETED_ERR");
  await person.dialog().getByRole("button", { name: "Cancel" }).click();
  await person.row("two people").waitFor({ state: "hidden" });
});

test("a rotation policy is set and shown; aliases come and go", async () => {
  const [id] = await server.keys({ name: "policies" });
  await person.go(`/instances/${server.instance}/keys/${id}?tab=policies`);
  await person.says("Not rotated by schedule");
  await person.page.getByText("Rotate by schedule").click();
  await person.page.locator(".cds--slider-text-input").fill("3");
  await person.page.getByRole("button", { name: "Save" }).click();
  await person.says("Rotated every 3 months");
  assert.deepEqual((await keyOf(id)).rotation, { enabled: true, interval_month: 3 });

  await person.page.getByRole("tab", { name: "Aliases" }).click();
  await person.page.getByLabel("Add alias").fill("first-alias");
  await person.page.getByRole("button", { name: "Add alias" }).click();
  await person.page.getByRole("button", { name: "Remove alias first-alias" }).waitFor();
  await person.isAccessible();
  await person.page.waitForFunction(() => document.activeElement?.id === "new-alias");
  await person.page.getByRole("button", { name: "Remove alias first-alias" }).click();
  await person.dialog().getByText("no longer find the key").waitFor();
  await person.dialog().getByRole("button", { name: "Remove alias" }).click();
  await person.says("Alias first-alias was removed.");
  await person.says("No aliases");
  await person.page.waitForFunction(() => document.activeElement?.id === "new-alias");
  assert.equal((await keyOf(id)).aliases, undefined);
});

const HOSTILE = [
  `<img src=x onerror=alert(1)>"'&amp;`,
  "\u202Egnp.exe \u2067key\u2069",
  "키 이름 — 한글",
  "x".repeat(90),
  "{name} ${t} %s __proto__",
];

test("hostile names stay text, wherever they are shown", async () => {
  await server.keys(...HOSTILE.map((name) => ({ name, description: `${name} ${name}`.slice(0, 200) })));
  await person.toKeys();
  for (const name of HOSTILE) {
    await person.row(name).waitFor();
    await person.row(name).getByRole("link").click();
    const heading = person.page.getByRole("heading", { level: 1 });
    await person.page.waitForFunction((text) => document.querySelector("h1")?.textContent === text, name);
    assert.equal(await heading.evaluate((element) => element.children.length), 0);
    const wide = await person.page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
    assert.ok(wide, `${name} makes the page wider`);
    await person.toKeys();
  }
  await person.choose(HOSTILE[0], "Disable key");
  await person.dialog().getByRole("textbox").fill(HOSTILE[0]);
  await person.dialog().getByRole("button", { name: "Disable key" }).click();
  await person.page.getByText(`Key ${HOSTILE[0]} was disabled.`).waitFor();
  assert.equal(await person.page.locator("img[src=x]").count(), 0);
});

test("a caller's role ends where it ends, in words", async () => {
  const [id] = await server.keys({ name: "for readers" });
  const reader = await Person.open(browser, server);
  await reader.logIn(await server.do({ do: "service_id", name: "reader", role: "Reader", instance: server.instance }));
  await reader.toKeys();
  await reader.row("for readers").waitFor();
  await reader.go(`/instances/${server.instance}/keys/${id}?tab=policies`);
  await reader.says("Needs the role Manager.");
  await reader.close();
});

test("secure import in a page of the server gives the steps and does not touch the key", async () => {
  await person.toKeys();
  await person.page.getByRole("button", { name: "Import your own key" }).click();
  const dialog = person.dialog();
  await dialog.getByLabel("Name").fill("sealed");
  await dialog.getByText("Secure import: encrypted for the crypto unit").click();
  await person.says("This page was delivered by the server, so it does not touch your key material.");
  await dialog.getByRole("button", { name: "Create import token" }).click();
  await dialog.getByText("2. Encrypt on your own machine").waitFor({ timeout: 60000 });
  assert.equal(await dialog.getByRole("button", { name: "Encrypt in this page" }).count(), 0);
  await person.isAccessible();
  const script = await dialog.locator("pre").innerText();
  const results = await runScript(script, randomBytes(32));
  await dialog.getByLabel("Encrypted material, base64").fill(results.material);
  await dialog.getByLabel("Encrypted nonce, base64").fill(results.nonce);
  await dialog.getByLabel("Initialization vector, base64").fill(results.vector);
  await dialog.getByRole("button", { name: "Import key" }).click();
  await person.says("Key sealed was imported.");
  await person.row("sealed").getByText("Root key").waitFor();
});

// Runs what the page told, as the customer would: key.bin beside it.
async function runScript(script, key) {
  const { mkdtemp, rm, writeFile } = await import("node:fs/promises");
  const { tmpdir } = await import("node:os");
  const { join } = await import("node:path");
  const { execFileSync } = await import("node:child_process");
  const folder = await mkdtemp(join(tmpdir(), "keyhaven-secure-import-"));
  try {
    await writeFile(join(folder, "key.bin"), key);
    const output = execFileSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" });
    return Object.fromEntries(output.trim().split("\n").map((line) => line.split(/:\s+/)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("what the instance's policy forbids is not offered", async () => {
  const setPolicy = (attributes) => server.call("PUT", "/api/v2/instance/policies?policy=keyCreateImportAccess", {
    metadata: { collectionType: "application/vnd.ibm.kms.policy+json", collectionTotal: 1 },
    resources: [{ policy_type: "keyCreateImportAccess", policy_data: { enabled: true, attributes } }],
  });
  assert.equal((await setPolicy({ create_root_key: false, import_standard_key: true, enforce_token: true })).status, 204);
  await person.toKeys();
  await person.page.getByRole("button", { name: "Create key" }).click();
  await person.says("An instance policy forbids the other type here.");
  assert.equal(await person.dialog().getByRole("radio").count(), 1);
  assert.ok(await person.dialog().getByRole("radio", { name: "Standard key" }).isChecked());
  await person.dialog().getByRole("button", { name: "Cancel" }).click();
  await person.page.getByRole("button", { name: "Import your own key" }).click();
  await person.dialog().getByRole("button", { name: "Create import token" }).waitFor();
  assert.ok(await person.dialog().getByRole("radio", { name: "As it is, over TLS" }).isDisabled());
  await person.dialog().getByRole("button", { name: "Cancel" }).click();
  assert.equal((await setPolicy({})).status, 204);
});

test("under keyhaven console the page encrypts the material itself, and the unit opens it", async () => {
  const local = await Person.open(browser, server);
  await local.logIn();
  // The same page as `keyhaven console` serves it: it says of itself that it comes from this machine.
  await local.page.route("**/console/environment.json", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), mode: "local" } });
  });
  await local.toKeys();
  await local.page.getByRole("button", { name: "Import your own key" }).click();
  const dialog = local.dialog();
  await dialog.getByLabel("Name").fill("sealed in the page");
  await dialog.getByText("Secure import: encrypted for the crypto unit").click();
  await dialog.getByRole("button", { name: "Create import token" }).click();
  const material = dialog.getByLabel("Key material, base64");
  await material.waitFor({ timeout: 60000 });
  await material.fill(randomBytes(24).toString("base64"));
  await local.says("Browsers have no AES-192");
  assert.ok(await dialog.getByRole("button", { name: "Encrypt in this page" }).isDisabled());
  const key = randomBytes(32).toString("base64");
  await material.fill(key);
  const sent = [];
  local.page.on("request", (request) => sent.push(request.postData() ?? ""));
  await dialog.getByRole("button", { name: "Encrypt in this page" }).click();
  await local.says("Encrypted. The fields below are filled");
  await local.isAccessible();
  await dialog.getByRole("button", { name: "Import key" }).click();
  await local.says("Key sealed in the page was imported.");
  assert.ok(sent.length > 0 && sent.every((body) => !body.includes(key)));
  await local.close();
});

test("on a slow server the list says that it is loading, and a late answer does not replace a newer one", async () => {
  await server.keys({ name: "slow standard", extractable: true }, { name: "quick root" });
  await person.toKeys();
  await person.row("quick root").waitFor();
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await person.page.route(/\/api\/v2\/keys\?.*extractable=true/, async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  });
  const type = person.page.getByRole("combobox", { name: "Type" });
  await type.selectOption("standard");
  await person.page.locator('table[aria-busy="true"]').waitFor();
  await type.selectOption("root");
  await person.row("quick root").waitFor();
  release();
  await person.page.unroute(/\/api\/v2\/keys\?.*extractable=true/);
  await person.row("quick root").waitFor();
  assert.equal(await person.row("slow standard").count(), 0);
  // The other way round: held back answers are shown when they come.
  await type.selectOption("standard");
  await person.row("slow standard").waitFor();
});

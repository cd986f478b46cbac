// What each role is offered: nothing that the server would refuse, and in words which role is missing. The server is the
// judge all the same, also while the page shows what was true before.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { load, unload } from "./modules.mjs";
import { Person, Server, startBrowser } from "./harness.mjs";

let server, browser, ids;
const people = [];
before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
  await server.call("POST", "/api/v2/key_rings/team");
  ids = await server.keys({ name: "payroll-root", aliases: ["payroll"] }, { name: "webhook", extractable: true }, { name: "team-root" });
  await server.call("PATCH", `/api/v2/keys/${ids[2]}`, { keyRingID: "team" });
});
after(async () => {
  for (const person of people) await person.close();
  await browser?.close();
  await server?.stop();
  await unload();
});

// An identity with grants of a role on attributes, logged in; `serviceInstance: ""` leaves the instance out.
async function person(name, grants, path, options) {
  const { body: identity } = await server.call("POST", "/v1/serviceids", { name });
  const policies = [];
  for (const [role, attributes = {}] of grants) {
    const all = Object.entries({ serviceInstance: server.instance, ...attributes }).filter(([, value]) => value !== "");
    const answer = await server.call("POST", "/v1/policies", {
      subjects: [{ attributes: [{ name: "iam_id", value: identity.iam_id }] }],
      roles: [{ display_name: role }],
      resources: [{ attributes: all.map(([key, value]) => ({ name: key, value })) }],
    });
    assert.equal(answer.status, 201);
    policies.push(answer.body.id);
  }
  const { body: key } = await server.call("POST", "/v1/apikeys", { name, iam_id: identity.iam_id });
  const one = await Person.open(browser, server, options);
  people.push(one);
  await one.logIn(key.apikey, path);
  return Object.assign(one, { policies, identity });
}

const keysPath = () => `/instances/${server.instance}/keys`;
const navigation = (one) => one.page.getByRole("navigation", { name: "Main" }).getByRole("link").allInnerTexts();

async function menuOf(one, name) {
  await one.row(name).getByRole("button", { name: `Actions of ${name}` }).click();
  const items = await one.page.getByRole("menuitem").allInnerTexts();
  await one.page.keyboard.press("Escape");
  return items.map((text) => text.trim());
}

// Calls of the page that the server refused: with the right offers there are none.
function refusals(one) {
  const found = [];
  one.page.on("response", (response) => {
    if (response.status() === 401 || response.status() === 403) found.push(`${response.request().method()} ${new URL(response.url()).pathname}`);
  });
  return found;
}

test("may: of the whole instance, a ring, a key, a key in a ring, and without an answer", async () => {
  const { mayOf } = await load("shell/may.ts");
  const may = mayOf({
    account: ["instances.create"],
    instance: {
      id: "i",
      actions: ["secrets.list"],
      parts: [
        { places: [{ key_ring: "r" }, { key: "k" }], actions: ["secrets.list", "secrets.create"] },
        { places: [{ key_ring: "s", key: "l" }], actions: ["secrets.list", "secrets.purge"] },
      ],
    },
    requirements: [{ roles: ["Writer", "Manager"], actions: ["secrets.create"] }],
  });
  const rows = [
    ["secrets.list", undefined, true], ["secrets.list", { ring: "x", key: "y" }, true],
    ["secrets.create", undefined, false], ["secrets.create", { ring: "r" }, true], ["secrets.create", { ring: "x" }, false],
    ["secrets.create", { ring: "r", key: "any" }, true], ["secrets.create", { ring: "x", key: "k" }, true],
    ["secrets.purge", { ring: "s", key: "l" }, true], ["secrets.purge", { ring: "r", key: "l" }, false], ["secrets.purge", { ring: "s" }, false],
    ["instances.create", undefined, false],
  ];
  for (const [action, where, wanted] of rows) assert.equal(may(action, where), wanted, `${action} ${JSON.stringify(where)}`);
  assert.ok(may.anywhere("secrets.purge") && !may.anywhere("secrets.delete"));
  assert.ok(may.everywhere("instances.create") && !may.everywhere("secrets.list"));
  assert.deepEqual([may.rings("secrets.create"), may.rings("secrets.list"), may.rings("secrets.purge")], [["r"], null, []]);
  assert.deepEqual(may.roles("secrets.create"), ["Writer", "Manager"]);
  const unknown = mayOf(undefined);
  assert.ok(unknown("secrets.purge") && unknown.anywhere("secrets.purge") && unknown.everywhere("audit-log.read"));
  assert.deepEqual([unknown.rings("secrets.create"), unknown.roles("secrets.create")], [null, []]);
});

test("a Reader looks: nothing that changes is offered, and nothing is refused behind the page", async () => {
  const reader = await person("reader", [["Reader"]], keysPath());
  const refused = refusals(reader);
  await reader.toKeys();
  await reader.row("payroll-root").waitFor();
  await reader.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "payroll", exact: true }).waitFor();
  assert.deepEqual(await navigation(reader), ["Instances", "Migration", "About", "payroll", "Keys", "Key rings", "Associated resources", "Sealed transfers"]);
  assert.ok(await reader.page.getByRole("button", { name: "Create key" }).isDisabled());
  await reader.page.getByText("Needs the role Writer or Manager.").waitFor();
  assert.equal(await reader.page.getByRole("button", { name: "Import your own key" }).count(), 0);
  assert.deepEqual(await menuOf(reader, "payroll-root"), ["View details", "View associated resources"]);
  await reader.isAccessible();

  await reader.row("webhook").getByRole("link", { name: "webhook" }).click();
  await reader.page.getByRole("heading", { level: 1, name: "webhook" }).waitFor();
  assert.equal(await reader.page.getByRole("button", { name: "Delete key" }).count(), 0);
  assert.ok(await reader.page.getByRole("button", { name: "Show material" }).isDisabled());
  await reader.page.getByText("Needs the role ReaderPlus, Writer, or Manager.").waitFor();
  await reader.page.getByRole("tab", { name: "Policies" }).click();
  await reader.page.getByText("Needs the role Manager.").waitFor();
  await reader.page.getByRole("tab", { name: "Aliases" }).click();
  assert.equal(await reader.page.getByLabel("Add alias").count(), 0);

  await reader.go(`/instances/${server.instance}/key-rings`);
  await reader.page.getByRole("row").filter({ hasText: "team" }).waitFor();
  assert.ok(await reader.page.getByRole("button", { name: "Add key ring" }).isDisabled());
  assert.equal(await reader.page.getByRole("button", { name: "Delete key ring team" }).count(), 0);

  await reader.go(`/instances/${server.instance}`);
  await reader.page.getByRole("heading", { name: "Limits" }).waitFor();
  assert.equal(await reader.page.getByRole("button", { name: "Rename" }).count(), 0);
  assert.equal(await reader.page.getByRole("button", { name: "Delete instance" }).count(), 0);
  await reader.go("/instances");
  await reader.page.getByRole("row").filter({ hasText: "payroll" }).waitFor();
  await reader.page.getByText("Needs the role Editor or Administrator.").waitFor();
  assert.deepEqual(refused, []);
});

test("a deep link to a page that one may not see says which role is needed", async () => {
  const [reader] = people;
  const refused = refusals(reader);
  for (const [path, role] of [
    [`/instances/${server.instance}/policies`, "Manager"], [`/instances/${server.instance}/crypto-units`, "Manager"], [`/instances/${server.instance}/ceremony`, "Manager"],
    ["/access", "Administrator"], ["/metrics", "Administrator"],
  ]) {
    await reader.go(path);
    await reader.page.getByRole("heading", { name: `This page needs the role ${role}` }).waitFor();
  }
  await reader.isAccessible();
  assert.deepEqual(refused, []);
  await reader.page.evaluate(() => localStorage.setItem("keyhaven.language", "ko"));
  await reader.page.setViewportSize({ width: 360, height: 740 });
  await reader.go(keysPath());
  await reader.page.getByText("Writer 또는 Manager 역할이 필요합니다.").waitFor();
  assert.ok(await reader.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  await reader.page.emulateMedia({ colorScheme: "dark" });
  await reader.isAccessible();
});

test("a Writer makes and rotates keys and does not delete them", async () => {
  const writer = await person("writer", [["Writer"]], keysPath());
  await writer.toKeys();
  const items = await menuOf(writer, "payroll-root");
  for (const [name, wanted] of [["Rotate key", true], ["Delete key", false], ["Disable key", false]]) assert.equal(items.includes(name), wanted, name);
  await writer.page.getByRole("button", { name: "Create key" }).click();
  await writer.dialog().getByLabel("Name").fill("made by a writer");
  await writer.dialog().getByRole("button", { name: "Create key", exact: true }).click();
  await writer.row("made by a writer").waitFor();
});

test("who may purge is asked for a tick, and is offered nothing else that changes", async () => {
  const [id] = await server.keys({ name: "purged" });
  assert.equal((await server.call("DELETE", `/api/v2/keys/${id}`)).status, 204);
  const purger = await person("purger", [["KeyPurge"], ["Reader"]], `${keysPath()}?state=5`);
  assert.deepEqual(await menuOf(purger, "purged"), ["View details", "View associated resources", "Purge key"]);
  await purger.choose("purged", "Purge key");
  const purge = purger.dialog().getByRole("button", { name: "Purge key" });
  assert.ok(await purge.isDisabled());
  await purger.dialog().getByText("I understand that the key cannot be restored after this").click();
  assert.ok(await purge.isEnabled());
});

test("a Manager of one ring makes keys in it, and manages its keys and no others", async () => {
  const manager = await person("ring manager", [["Manager", { keyRing: "team" }], ["Reader"]], keysPath());
  await manager.toKeys();
  assert.ok((await menuOf(manager, "team-root")).includes("Delete key"));
  assert.ok(!(await menuOf(manager, "payroll-root")).includes("Delete key"));

  const only = await person("ring manager only", [["Manager", { keyRing: "team" }]], keysPath());
  const refused = refusals(only);
  await only.toKeys();
  await only.row("team-root").waitFor();
  assert.equal(await only.row("payroll-root").count(), 0);
  assert.deepEqual((await navigation(only)).slice(-2), ["Keys", "Associated resources"]);
  await only.page.getByRole("button", { name: "Create key" }).click();
  assert.deepEqual(await only.dialog().getByLabel("Key ring").locator("option").allInnerTexts(), ["team"]);
  await only.dialog().getByLabel("Name").fill("made in the ring");
  await only.dialog().getByRole("button", { name: "Create key", exact: true }).click();
  await only.row("made in the ring").waitFor();
  assert.deepEqual(refused, []);
});

test("an Administrator manages access and instances, and sees no keys", async () => {
  const administrator = await person("administrator of access", [["Administrator", { serviceInstance: "" }]], "/instances");
  await administrator.page.getByRole("link", { name: "payroll", exact: true }).first().click();
  await administrator.page.getByRole("button", { name: "Delete instance" }).waitFor();
  await administrator.page.getByText("Needs the role Reader, ReaderPlus, Writer, or Manager.").waitFor();
  const links = await navigation(administrator);
  for (const [name, wanted] of [["Access", true], ["Audit", true], ["Metrics", true], ["Keys", false], ["Crypto units", false]]) assert.equal(links.some((link) => link.startsWith(name)), wanted, `${name} of ${links}`);
  await administrator.go("/access");
  await administrator.page.getByRole("button", { name: "Add identity" }).waitFor();
  assert.ok(await administrator.page.getByRole("button", { name: "Add identity" }).isEnabled());
});

test("a grant that goes while the page is open: the server refuses, and the page no longer offers it", async () => {
  const manager = await person("passing manager", [["Manager"], ["Reader"]], keysPath());
  await manager.toKeys();
  await manager.choose("payroll-root", "Disable key");
  await manager.dialog().getByRole("textbox").fill("payroll-root");
  assert.equal((await server.call("DELETE", `/v1/policies/${manager.policies[0]}`)).status, 204);
  await manager.dialog().getByRole("button", { name: "Disable key" }).click();
  await manager.dialog().getByTestId("error-code").waitFor();
  await manager.page.keyboard.press("Escape");
  await manager.page.getByText("Needs the role Writer or Manager.").waitFor();
  assert.deepEqual(await menuOf(manager, "payroll-root"), ["View details", "View associated resources"]);
});

test("a grant that comes: one looks again, without loading the page anew", async () => {
  const newcomer = await person("newcomer", [["Reader"]], `/instances/${server.instance}/policies`);
  await newcomer.page.getByRole("heading", { name: "This page needs the role Manager" }).waitFor();
  const answer = await server.call("POST", "/v1/policies", {
    subjects: [{ attributes: [{ name: "iam_id", value: newcomer.identity.iam_id }] }], roles: [{ display_name: "Manager" }],
    resources: [{ attributes: [{ name: "serviceInstance", value: server.instance }] }],
  });
  assert.equal(answer.status, 201);
  await newcomer.page.getByRole("button", { name: "Check again" }).click();
  await newcomer.page.getByRole("heading", { level: 1, name: "Instance policies" }).waitFor();
});

test("without an answer everything is offered, and the server refuses", async () => {
  const blind = await person("blind", [["Reader"]], "/about");
  await blind.page.route("**/v1/permissions*", (route) => route.abort());
  await blind.toKeys();
  assert.ok(await blind.page.getByRole("button", { name: "Create key" }).isEnabled());
  assert.ok((await menuOf(blind, "payroll-root")).includes("Delete key"));
  await blind.choose("payroll-root", "Rotate key");
  await blind.dialog().getByRole("button", { name: "Rotate key" }).click();
  await blind.says("Your role does not allow that");
  assert.match(await blind.dialog().getByRole("alert").innerText(), /Correlation ID: [0-9a-f-]{36}/);
  await blind.page.getByText("Your session has ended").waitFor({ state: "hidden" });
  await blind.page.unroute("**/v1/permissions*");
});

test("while the answer is on its way nothing jumps", async () => {
  const patient = await person("patient", [["Reader"]], "/about");
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await patient.page.route("**/v1/permissions*", async (route) => {
    await held;
    await route.continue();
  });
  await patient.page.addInitScript(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  const asked = patient.page.waitForRequest("**/v1/permissions*");
  await patient.go(keysPath());
  await asked;
  await patient.page.locator(".kh-loading").first().waitFor();
  assert.equal(await patient.page.getByRole("button", { name: "Create key" }).count(), 0);
  release();
  await patient.row("payroll-root").waitFor();
  const shift = await patient.page.evaluate(() => globalThis.shift);
  assert.ok(shift < 0.05, `layout shift ${shift}`);
});

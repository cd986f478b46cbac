// About: what runs, what proves the units, what protects the state; and the list of sealed transfers.
import assert from "node:assert/strict";
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

test("tells version, health, the attestation root and how the state is sealed", async () => {
  await person.go("/about");
  const { body: root } = await server.call("GET", "/v1/tke/attestation_root");
  await person.says(root.ski);
  await person.says(root.x);
  const { body: sealing } = await server.call("GET", "/v1/unit/sealing");
  await person.says(sealing.advice);
  await person.says(sealing.detects_old_state ? "About this method" : "Know what this method does not protect");
  await person.says("Stored records");
  await person.isAccessible();
  assert.match(await person.page.getByRole("link", { name: "API reference of this server" }).getAttribute("href"), /\/api\/docs$/);
});

test("under keyhaven console the server's root is held against the one that is pinned on this machine", async () => {
  const { body: root } = await server.call("GET", "/v1/tke/attestation_root");
  const environment = { mode: "local", version: "0", server: server.url, migrations: false };
  const rows = [
    [{ json: root }, "is the one that is pinned"],
    [{ json: { ...root, ski: "00".repeat(32) } }, "is NOT the one that is pinned"],
    [{ status: 404, json: {} }, "No root is pinned on this machine"],
  ];
  for (const [pinned, text] of rows) {
    // What only `keyhaven console` serves.
    await person.page.route("**/console/environment.json", (route) => route.fulfill({ json: environment }));
    await person.page.route("**/local/attestation-root", (route) => route.fulfill(pinned));
    await person.go("/about");
    await person.says(text);
    await person.page.unrouteAll();
  }
});

test("every stored record is checked on demand", async () => {
  await person.go("/about");
  await person.page.getByRole("button", { name: "Check all records now" }).click();
  const now = person.page.getByTestId("store-check").filter({ has: person.page.getByRole("heading", { name: "Now", exact: true }) });
  await now.getByText("All authentic").waitFor();
  assert.match(await now.innerText(), /\d+ records/);
});

test("who is no administrator sees what is open, and is asked for the rest once only", async () => {
  const apiKey = await server.do({ do: "service_id", name: "reader", role: "Reader", instance: server.instance });
  const reader = await Person.open(browser, server);
  await reader.logIn(apiKey, "/about");
  await reader.says("is shown to administrators");
  let asked = 0;
  reader.page.on("request", (request) => (asked += request.url().endsWith("/v1/unit/sealing") ? 1 : 0));
  await reader.page.getByRole("link", { name: "Instances" }).first().click();
  await reader.page.getByRole("link", { name: "payroll" }).waitFor();
  await reader.page.getByRole("link", { name: "About" }).click();
  await reader.says("is shown to administrators");
  assert.equal(asked, 0);
  await reader.isAccessible();
  await reader.close();
});

test("sealed transfers: nothing open is said with the steps, whose commands name this instance", async () => {
  await person.go(`/instances/${server.instance}/transfers`);
  await person.says("No transfer is open");
  await person.says(`keyhaven transfer offer --instance ${server.instance}`);
  await person.isAccessible();
});

test("sealed transfers: an open one is shown and ended after its id is typed", async () => {
  const id = "2291e4ae-a14c-4af9-88f0-27c0cb2739e2";
  const incoming = [{ id, source: "11111111-2222-4333-8444-555555555555", expires: "2099-01-02T03:04:05Z", manifest: "3b".repeat(32) }];
  // What the list looks like while a transfer is open; ending one is a call to the real server.
  await person.page.route("**/v1/transfers", (route) => route.fulfill({ json: { outgoing: [], incoming } }));
  await person.go(`/instances/${server.instance}/transfers`);
  await person.says("Incoming");
  await person.says("3b".repeat(32));
  await person.page.getByRole("button", { name: `End transfer ${id}` }).click();
  await person.isAccessible();
  await person.page.getByLabel(`Type ${id} to confirm`).fill(id);
  await person.page.unroute("**/v1/transfers");
  await person.dialog().getByRole("button", { name: "End transfer" }).click();
  await person.says("The transfer was ended.");
  await person.says("No transfer is open");
});

test("in Korean, dark, at 360 pixels", async () => {
  const small = await Person.open(browser, server, { locale: "ko-KR", colorScheme: "dark", viewport: { width: 360, height: 740 } });
  await small.go("/about");
  await small.page.getByLabel("API 키").fill(server.apiKey);
  await small.page.getByRole("button", { name: "로그인" }).click();
  await small.page.getByText("저장된 레코드").first().waitFor();
  for (const path of ["/about", `/instances/${server.instance}/transfers`]) {
    await small.go(path);
    await small.page.getByRole("heading", { level: 1 }).waitFor();
    await small.page.getByText(/모두 진본|다섯 단계/).first().waitFor();
    await small.isAccessible();
    assert.ok(await small.page.evaluate(() => document.documentElement.scrollWidth <= 360));
  }
  await small.close();
});

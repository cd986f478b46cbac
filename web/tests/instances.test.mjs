// Instances and key rings.
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

test("an instance is created, says what is missing, and is renamed and deleted", async () => {
  await person.go("/instances");
  await person.row("payroll").getByText("Initialized").waitFor();
  await person.isAccessible();
  await person.page.getByRole("button", { name: "Create instance" }).click();
  await person.dialog().getByLabel("Name").fill("second <b>instance</b>");
  await person.isAccessible();
  await person.dialog().getByRole("button", { name: "Create", exact: true }).click();
  await person.says("This instance is not initialized");
  assert.match(await person.page.getByTestId("initialise-banner").innerText(), /2 of 2 units are in imprint mode/);
  await person.isAccessible();

  const guid = person.page.url().split("/").at(-1);
  await person.go(`/instances/${guid}/keys`);
  await person.says("This instance is not initialized");
  await person.page.getByRole("button", { name: "Create key" }).click();
  await person.dialog().getByLabel("Name").fill("too early");
  await person.dialog().getByRole("button", { name: "Create key" }).click();
  await person.dialog().getByTestId("error-code").waitFor();
  assert.equal(await person.dialog().getByTestId("error-code").innerText(), "INSTANCE_NOT_INITIALIZED");
  await person.dialog().getByRole("button", { name: "Cancel" }).click();

  await person.go(`/instances/${guid}`);
  await person.page.getByRole("button", { name: "Rename" }).click();
  await person.dialog().getByLabel("Name").fill("short lived");
  await person.dialog().getByRole("button", { name: "Save" }).click();
  await person.says("The instance is called short lived now.");
  await person.page.getByRole("button", { name: "Delete instance" }).click();
  await person.page.getByLabel("Type short lived to confirm").fill("short lived");
  await person.dialog().getByRole("button", { name: "Delete" }).click();
  await person.says("Instance short lived was deleted.");
  await person.row("short lived").waitFor({ state: "hidden" });
});

test("the overview shows endpoints, ids to copy, and counts", async () => {
  await server.keys({ name: "one" }, { name: "two", extractable: true });
  await person.go(`/instances/${server.instance}`);
  await person.says("2 of 50,000");
  await person.page.getByRole("button", { name: "Copy ID" }).first().click();
  assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), server.instance);
  const time = person.page.locator("time").first();
  assert.match(await time.getAttribute("title"), /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC$/);
});

test("resources that services protect are listed with their keys", async () => {
  const [id] = await server.keys({ name: "protects buckets" });
  await person.go(`/instances/${server.instance}/resources`);
  await person.says("No resource is associated with a key of this instance");
  await person.isAccessible();
  await server.do({ do: "register", instance: server.instance, service: "object-storage", key: id, resources: ["invoices", "letters"], prevents: true });
  await person.page.reload();
  await person.says("2 rows");
  await person.page.getByRole("row").filter({ hasText: "invoices" }).getByText("object-storage").waitFor();
  await person.isAccessible();
  await person.page.getByRole("combobox", { name: "Prevents deletion" }).selectOption("no");
  await person.says("No resource is associated");
  await person.go(`/instances/${server.instance}/keys/${id}?tab=resources`);
  await person.page.getByRole("row").filter({ hasText: "letters" }).waitFor();
  await person.page.getByRole("button", { name: "Delete key" }).click();
  await person.page.getByLabel("Type protects buckets to confirm").fill("protects buckets");
  await person.dialog().getByRole("button", { name: "Delete key" }).click();
  await person.dialog().getByTestId("error-code").filter({ hasText: "PREV_KEY_DEL_ERR" }).waitFor();
  await person.dialog().getByRole("button", { name: "Cancel" }).click();
});

test("a key with resources that do not forbid it is deleted by force only", async () => {
  const [id] = await server.keys({ name: "by force" });
  await server.do({ do: "register", instance: server.instance, service: "database", key: id, resources: ["ledger"] });
  await person.go(`/instances/${server.instance}/keys/${id}`);
  await person.page.getByRole("button", { name: "Delete key" }).click();
  await person.page.getByLabel("Type by force to confirm").fill("by force");
  await person.dialog().getByRole("button", { name: "Delete key" }).click();
  await person.dialog().getByTestId("error-code").filter({ hasText: "PROTECTED_RESOURCE_ERR" }).waitFor();
  await person.dialog().getByText("Delete although resources are associated").click();
  await person.dialog().getByRole("button", { name: "Delete key" }).click();
  await person.says("Key by force was deleted.");
  await person.says("Destroyed");
});

test("a ring is added, leads to its keys, and is deleted when empty", async () => {
  await person.go(`/instances/${server.instance}/key-rings`);
  await person.page.getByRole("button", { name: "Add key ring" }).click();
  await person.dialog().getByLabel("Key ring ID").fill("no ring!");
  await person.says("Use 2 to 100 letters");
  await person.dialog().getByLabel("Key ring ID").fill("finance");
  await person.isAccessible();
  await person.dialog().getByRole("button", { name: "Create" }).click();
  await person.says("Key ring finance was created.");
  await person.isAccessible();

  await person.row("finance").getByRole("link").click();
  await person.page.getByRole("heading", { name: "Keys", exact: true }).waitFor();
  await person.says("No key matches");
  await person.page.getByRole("button", { name: "Create key" }).click();
  await person.dialog().getByLabel("Name").fill("in the ring");
  await person.dialog().getByRole("button", { name: "Create key" }).click();
  await person.row("in the ring").waitFor();

  await person.go(`/instances/${server.instance}/key-rings`);
  await person.row("finance").getByRole("button").click();
  await person.page.getByLabel("Type finance to confirm").fill("finance");
  await person.dialog().getByRole("button", { name: "Delete" }).click();
  await person.dialog().getByTestId("error-code").waitFor();
  assert.equal(await person.dialog().getByTestId("error-code").innerText(), "KEY_RING_NOT_EMPTY_ERR");
  await person.dialog().getByRole("button", { name: "Cancel" }).click();

  const { body } = await server.call("GET", "/api/v2/keys", undefined, { "X-Kms-Key-Ring": "finance" });
  await server.call("DELETE", `/api/v2/keys/${body.resources[0].id}`);
  await person.row("finance").getByRole("button").click();
  await person.page.getByLabel("Type finance to confirm").fill("finance");
  await person.dialog().getByText("Move its destroyed keys to the default ring").click();
  await person.dialog().getByRole("button", { name: "Delete" }).click();
  await person.says("Key ring finance was deleted.");
  assert.equal(await person.row("default").getByRole("button").count(), 0);
});

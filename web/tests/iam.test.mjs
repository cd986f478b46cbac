// Access: identities, API keys that are shown once, roles on all levels, what protects the last administrator.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, Server, startBrowser } from "./harness.mjs";

const HOSTILE = '<img src=x onerror="alert(1)"> \u202egnp.exe';

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

const section = (name) => person.page.getByRole("region", { name, exact: true });

async function open(name) {
  await person.go("/access");
  await person.row(name).waitFor();
  await person.row(name).getByRole("link").click();
  await person.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

test("an identity with a hostile name is added; names stay text everywhere", async () => {
  await person.go("/access");
  await person.row("administrator").getByText("You").waitFor();
  await person.isAccessible();
  await person.page.getByRole("button", { name: "Add identity" }).click();
  await person.dialog().getByLabel("Kind").selectOption("user");
  await person.dialog().getByLabel("Name").fill(HOSTILE);
  await person.dialog().getByLabel("Description").fill("<script>alert(2)</script>");
  await person.isAccessible();
  await person.dialog().getByRole("button", { name: "Create", exact: true }).click();
  await person.page.getByRole("heading", { level: 1, name: HOSTILE }).waitFor();
  await section("Access policies").getByText("No access policies").waitFor();
  await section("API keys").getByText("No API keys").waitFor();
  await person.isAccessible();
  assert.equal(await person.page.locator("main img, main script").count(), 0);
});

test("an API key is shown once, works, and is revoked", async () => {
  const { body } = await server.call("POST", "/v1/serviceids", { name: "backup job" });
  await open("backup job");
  await section("API keys").getByRole("button", { name: "Create API key" }).click();
  await person.dialog().getByLabel("Name").fill("night shift");
  await person.dialog().getByRole("button", { name: "Create", exact: true }).click();
  const once = person.page.getByRole("dialog", { name: "The new API key" });
  await once.getByText("It is shown this once").waitFor();
  await person.isAccessible();
  const field = once.locator("#new-api-key");
  assert.equal(await field.getAttribute("type"), "password");
  const secret = await field.inputValue();
  // A click that copied nothing is no copy.
  await person.page.evaluate(() => {
    const { clipboard } = navigator;
    const write = clipboard.writeText;
    clipboard.writeText = () => Promise.reject(new Error("no"));
    globalThis.mend = () => (clipboard.writeText = write);
  });
  await once.getByRole("button", { name: "Copy API key" }).click();
  await once.getByText("Could not be copied.").waitFor();
  await person.page.keyboard.press("Escape");
  await once.getByText("You have not copied it.").waitFor();
  await person.isAccessible();
  await person.page.evaluate(() => globalThis.mend());
  await once.getByRole("button", { name: "Copy API key" }).click();
  await once.getByText("Copied").first().waitFor({ state: "attached" });
  assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), secret);
  await once.getByRole("button", { name: "I have kept it" }).click();
  await once.waitFor({ state: "hidden" });
  assert.ok(!(await person.page.content()).includes(secret));
  const kept = await person.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!kept.includes(secret));

  const job = await Person.open(browser, server);
  await job.logIn(secret);
  await job.says("No instance yet");
  await job.close();

  await section("API keys").getByRole("button", { name: "Revoke API key night shift" }).click();
  const revoke = person.dialog().getByRole("button", { name: "Revoke API key" });
  assert.ok(await revoke.isDisabled());
  await person.page.getByLabel("Type night shift to confirm").fill("night shift");
  await revoke.click();
  await person.says("API key night shift was revoked.");
  assert.deepEqual((await server.call("GET", `/v1/apikeys?iam_id=${body.iam_id}`)).body.apikeys, []);
});

test("roles are granted on an instance, a ring, a key and the account", async () => {
  const [key] = await server.keys({ name: "guarded" });
  await server.call("POST", "/api/v2/key_rings/finance");
  const { body: made } = await server.call("POST", "/v1/serviceids", { name: "grantee" });
  await open("grantee");
  const grants = section("Access policies");
  const dialog = person.dialog();
  const grant = async (level, fill, roles) => {
    await grants.getByRole("button", { name: "Grant roles" }).click();
    await dialog.getByLabel("Scope", { exact: true }).selectOption(level);
    if (level !== "account") await dialog.getByLabel("Instance", { exact: true }).selectOption({ label: "payroll" });
    await fill?.();
    for (const role of roles) await dialog.getByText(role, { exact: true }).click();
  };
  const submit = () => dialog.getByRole("button", { name: "Grant roles" }).click();

  await grant("instance", undefined, ["Reader", "KMS Key Purge"]);
  await person.isAccessible();
  await submit();
  await grants.getByRole("table").getByText("Instance payroll").waitFor();
  await grant("ring", () => dialog.getByLabel("Key ring ID").selectOption("finance"), ["Writer"]);
  await submit();
  await grants.getByRole("table").getByText("Key ring finance in payroll").waitFor();
  await grant("key", () => dialog.getByLabel("Key ID").fill("not a key"), ["Manager"]);
  await dialog.getByText("That is not the ID of a key.").waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Grant roles" }).isDisabled());
  await dialog.getByLabel("Key ID").fill(key);
  await submit();
  await grants.getByRole("table").getByText(`Key ${key} in payroll`).waitFor();
  await grant("account", undefined, ["Administrator"]);
  await dialog.getByText("This makes an administrator of the whole deployment").waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Grant roles" }).isDisabled());
  await dialog.getByText("I want another administrator").click();
  await submit();
  await grants.getByRole("table").getByText("The whole account").waitFor();

  const { body } = await server.call("GET", `/v1/policies?iam_id=${made.iam_id}`);
  const scope = (policy) => policy.resources[0].attributes.filter(({ name }) => !["serviceName", "resourceType"].includes(name)).map(({ name, value }) => `${name}=${value}`);
  const found = new Map(body.policies.map((policy) => [policy.roles.map((role) => role.display_name).join("+"), scope(policy)]));
  const instance = `serviceInstance=${server.instance}`;
  assert.deepEqual(found.get("Reader+KMS Key Purge"), [instance]);
  assert.deepEqual(found.get("Writer"), [instance, "keyRing=finance"]);
  assert.deepEqual(found.get("Manager"), [instance, `resource=${key}`]);
  assert.deepEqual(found.get("Administrator"), []);

  await grants.getByRole("button", { name: "Take away Writer" }).click();
  await person.page.getByLabel("Type grantee to confirm").fill("grantee");
  await dialog.getByRole("button", { name: "Take roles away" }).click();
  await person.says("grantee no longer has these roles.");
  assert.equal((await server.call("GET", `/v1/policies?iam_id=${made.iam_id}`)).body.policies.length, 3);
});

test("roles are granted by keyboard alone", async () => {
  const { body: made } = await server.call("POST", "/v1/serviceids", { name: "typist" });
  await open("typist");
  await section("Access policies").getByRole("button", { name: "Grant roles" }).focus();
  await person.page.keyboard.press("Enter");
  const focused = () => person.page.evaluate(() => document.activeElement?.id);
  await person.page.waitForFunction(() => document.activeElement?.id === "grant-level");
  await person.page.locator("#grant-instance option", { hasText: "payroll" }).waitFor({ state: "attached" });
  await person.page.keyboard.press("Tab");
  assert.equal(await focused(), "grant-instance");
  await person.page.keyboard.type("payroll");
  await person.page.waitForFunction(() => document.getElementById("grant-instance").selectedOptions[0]?.textContent.includes("payroll"));
  await person.page.keyboard.press("Tab");
  assert.equal(await focused(), "role-Reader");
  await person.page.keyboard.press("Space");
  await person.page.waitForFunction(() => document.getElementById("role-Reader").checked);
  for (let tabs = 0; tabs < 20 && !(await person.page.evaluate(() => document.activeElement?.textContent === "Grant roles")); tabs += 1) await person.page.keyboard.press("Tab");
  await person.page.keyboard.press("Enter");
  await person.says("typist has the roles now.");
  const { body } = await server.call("GET", `/v1/policies?iam_id=${made.iam_id}`);
  assert.deepEqual(body.policies.map((policy) => policy.roles[0].display_name), ["Reader"]);
});

test("the last administrator cannot be removed, and an identity that is gone says so", async () => {
  const { body } = await server.call("GET", "/v1/serviceids");
  for (const { iam_id, name } of body.serviceids) if (name === "grantee") await server.call("DELETE", `/v1/serviceids/${iam_id}`);
  await open("administrator");
  await person.says("This is you");
  await person.page.getByRole("button", { name: "Delete identity" }).click();
  await person.says("This is you: your session ends");
  await person.page.getByLabel("Type administrator to confirm").fill("administrator");
  await person.dialog().getByRole("button", { name: "Delete" }).click();
  await person.dialog().getByTestId("error-code").waitFor();
  assert.equal(await person.dialog().getByTestId("error-code").innerText(), "CONFLICT_ERR");
  await person.dialog().getByText("leave no administrator").waitFor();
  await person.dialog().getByRole("button", { name: "Cancel" }).click();

  await person.go("/access/iam-ServiceId-00000000-0000-4000-8000-000000000000");
  await person.says("This identity does not exist");
  await person.isAccessible();
});

test("an identity is deleted with its keys and policies; the list is searched", async () => {
  await server.call("POST", "/v1/serviceids", { name: "short lived" });
  await person.go("/access?search=short");
  await person.row("short lived").waitFor();
  assert.equal(await person.row("administrator").count(), 0);
  await person.row("short lived").getByRole("link").click();
  await person.page.getByRole("button", { name: "Delete identity" }).click();
  await person.page.getByLabel("Type short lived to confirm").fill("short lived");
  await person.dialog().getByRole("button", { name: "Delete" }).click();
  await person.says("short lived was deleted.");
  await person.page.getByRole("searchbox").fill("short");
  await person.says("No identity matches");
});

test("who is no administrator is told so", async () => {
  const apiKey = await server.do({ do: "service_id", name: "manager", role: "Manager", instance: server.instance });
  const manager = await Person.open(browser, server);
  await manager.logIn(apiKey, "/access");
  await manager.says("This page needs the role Administrator");
  await manager.isAccessible();
  await manager.close();
});

test("in Korean, dark, at 360 pixels", async () => {
  const small = await Person.open(browser, server, { locale: "ko-KR", colorScheme: "dark", viewport: { width: 360, height: 740 } });
  await small.go("/access");
  await small.page.getByLabel("API 키").fill(server.apiKey);
  await small.page.getByRole("button", { name: "로그인" }).click();
  await small.page.getByRole("heading", { name: "액세스" }).waitFor();
  await small.row("administrator").getByRole("link").click();
  await small.page.getByText("액세스 정책").first().waitFor();
  await small.isAccessible();
  assert.ok(await small.page.evaluate(() => document.documentElement.scrollWidth <= 360));
  await small.close();
});

// Instance policies: each saved by itself, consequences in words first, two people at once, shutting oneself out.
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

const section = (who, name) => who.page.getByRole("region", { name, exact: true });
const stored = async (type) => (await server.call("GET", `/api/v2/instance/policies?policy=${type}`)).body.resources[0]?.policy_data;

async function open(who = person) {
  await who.go(`/instances/${server.instance}/policies`);
  await section(who, "Dual authorization").waitFor();
}

test("a policy says what saving means, is saved alone, and shows who set it", async () => {
  await open();
  await person.isAccessible();
  const dual = section(person, "Dual authorization");
  await dual.getByText("Never set: the default holds.").waitFor();
  const save = dual.getByRole("button", { name: "Save policy" });
  assert.ok(await save.isDisabled());
  await dual.getByText("Require two users to approve key deletions").click();
  await dual.getByText("A new key cannot be deleted by one person").waitFor();
  await person.isAccessible();
  await save.click();
  await person.says("Policy saved: Dual authorization.");
  await dual.getByText("by you").waitFor();
  assert.deepEqual(await stored("dualAuthDelete"), { enabled: true });
  assert.equal(await stored("metrics"), undefined);
  const time = dual.locator("time");
  assert.match(await time.getAttribute("title"), /UTC$/);
});

test("the five boxes of key access go over together, and all as without the policy switch it off", async () => {
  await open();
  const access = section(person, "Create and import key access");
  await access.getByText("Import of standard keys").click();
  await access.getByText("Secure import only").click();
  await access.getByText("Nobody can import standard keys here.").waitFor();
  await access.getByText("only secure import works").waitFor();
  await access.getByRole("button", { name: "Save policy" }).click();
  await person.says("Policy saved: Create and import key access.");
  // The form begins anew with what is stored.
  await access.getByText("by you").waitFor();
  assert.deepEqual(await stored("keyCreateImportAccess"), {
    enabled: true,
    attributes: { create_root_key: true, create_standard_key: true, import_root_key: true, import_standard_key: false, enforce_token: true },
  });
  await access.getByText("Import of standard keys").click();
  await access.getByText("Secure import only").click();
  await access.getByText("this policy is switched off").waitFor();
  await access.getByRole("button", { name: "Save policy" }).click();
  await access.getByText("· switched off").waitFor();
  assert.deepEqual(await stored("keyCreateImportAccess"), { enabled: false });
});

test("the rotation interval of new keys, by keyboard alone", async () => {
  await open();
  const rotation = section(person, "Rotation of new keys");
  await rotation.getByRole("switch").focus();
  await person.page.keyboard.press("Space");
  const months = rotation.getByLabel("Interval in months");
  await months.focus();
  await months.fill("3");
  await rotation.getByText("is rotated every 3 months").waitFor();
  await person.page.keyboard.press("Enter");
  await person.says("Policy saved: Rotation of new keys.");
  assert.deepEqual(await stored("rotation"), { enabled: true, attributes: { interval_month: 3 } });
});

test("two people at once: the second is shown what holds and nothing is overwritten", async () => {
  const other = await Person.open(browser, server);
  await other.logIn();
  await open();
  await open(other);
  const mine = section(person, "Metrics");
  const theirs = section(other, "Metrics");
  await mine.getByText("Count calls and latencies").click();
  await theirs.getByText("Count calls and latencies").click();
  await mine.getByRole("button", { name: "Save policy" }).click();
  await person.says("Policy saved: Metrics.");
  await theirs.getByRole("button", { name: "Save policy" }).click();
  await other.says("Not saved: somebody else has set this policy meanwhile");
  assert.ok(await theirs.getByRole("checkbox").isChecked());
  await other.close();
});

test("a network that is none is refused with the server's words and the form stays", async () => {
  await open();
  const ip = section(person, "Allowed IP addresses");
  await ip.getByText("Limit callers by address").click();
  await ip.getByLabel("Networks, one a line").fill("10.1.2.3/8");
  await ip.getByRole("button", { name: "Save policy" }).click();
  const dialog = person.dialog();
  assert.ok(await dialog.getByRole("button", { name: "Save policy" }).isDisabled());
  await dialog.getByText("I have checked the list").click();
  await person.isAccessible();
  await dialog.getByRole("button", { name: "Save policy" }).click();
  await dialog.getByTestId("error-code").waitFor();
  assert.equal(await dialog.getByTestId("error-code").innerText(), "INVALID_FIELD_ERR");
  await dialog.getByText("10.0.0.0/8").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await ip.getByLabel("Networks, one a line").inputValue(), "10.1.2.3/8");
  assert.equal(await stored("allowedIP"), undefined);
});

test("a private network that the server does not have is told before and refused after", async () => {
  await open();
  const network = section(person, "Allowed network");
  await network.getByText("Private only", { exact: true }).click();
  await network.getByText("This server names no private endpoint").waitFor();
  await network.getByRole("button", { name: "Save policy" }).click();
  await person.dialog().getByText("I have checked that everybody").click();
  await person.dialog().getByRole("button", { name: "Save policy" }).click();
  await person.dialog().getByTestId("error-code").waitFor();
  assert.equal(await person.dialog().getByTestId("error-code").innerText(), "FEATURE_RESTRICTED_ERR");
  await person.dialog().getByRole("button", { name: "Cancel" }).click();
});

test("who may not see the policies is told which role is needed", async () => {
  const apiKey = await server.do({ do: "service_id", name: "reader", role: "Reader", instance: server.instance });
  const reader = await Person.open(browser, server);
  await reader.logIn(apiKey, `/instances/${server.instance}/policies`);
  await reader.says("This page needs the role Manager");
  await reader.isAccessible();
  await reader.close();
});

test("in Korean, dark, at 360 pixels", async () => {
  const small = await Person.open(browser, server, { locale: "ko-KR", colorScheme: "dark", viewport: { width: 360, height: 740 } });
  await small.go(`/instances/${server.instance}/policies`);
  await small.page.getByLabel("API 키").fill(server.apiKey);
  await small.page.getByRole("button", { name: "로그인" }).click();
  await small.page.getByRole("heading", { name: "인스턴스 정책" }).waitFor();
  await small.page.getByText("이중 권한 부여").first().waitFor();
  await small.isAccessible();
  assert.ok(await small.page.evaluate(() => document.documentElement.scrollWidth <= 360));
  await small.close();
});

// Last: afterwards the instance answers nobody here.
test("a list that shuts out its author is saved, and the server's warning shows the way back", async () => {
  await open();
  const ip = section(person, "Allowed IP addresses");
  await ip.getByText("Limit callers by address").click();
  await ip.getByLabel("Networks, one a line").fill("192.0.2.7\n2001:db8::/32");
  await ip.getByText("Calls from outside the 2 listed networks").waitFor();
  await ip.getByRole("button", { name: "Save policy" }).click();
  await person.dialog().getByText("I have checked the list").click();
  await person.dialog().getByRole("button", { name: "Save policy" }).click();
  await person.says("Saved, and the server warns");
  await person.says(/an administrator can take the network policies back/);
  const back = await server.call("PATCH", `/v2/resource_instances/${server.instance}`, { parameters: { allowed_ip: [] } });
  assert.equal(back.status, 200);
  assert.deepEqual(await stored("allowedIP"), { enabled: false });
});

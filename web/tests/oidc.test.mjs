// Logging in at an OpenID provider of others: from the log-in page, cancelled, not linked, with the provider down, and again
// in another tab while a page waits; an administrator links and unlinks.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, Server, startBrowser } from "./harness.mjs";

let server, browser, administrator, ann;
before(async () => {
  [server, browser] = await Promise.all([Server.start("--openid"), startBrowser()]);
  administrator = await Person.open(browser, server);
  await administrator.logIn();
  const { body } = await server.call("POST", "/v1/serviceids", { name: "Ann", type: "user" });
  ann = body.iam_id;
  await server.call("POST", "/v1/policies", { subjects: [{ attributes: [{ name: "iam_id", value: ann }] }], roles: [{ display_name: "Manager" }, { display_name: "Viewer" }], resources: [{ attributes: [] }] });
});
after(async () => {
  await administrator?.close();
  await browser?.close();
  await server?.stop();
});

const button = (page) => page.getByRole("link", { name: "Log in with the tests" });

// On the page of the provider.
async function atProvider(page, login, then = "Continue") {
  await page.getByRole("heading", { name: "Provider of the tests" }).waitFor();
  if (login) await page.getByLabel("Login").fill(login);
  await page.getByRole("button", { name: then }).click();
}

async function isLoggedIn(page) {
  await page.getByRole("button", { name: "Account and preferences" }).waitFor();
}

// The server asks a provider that it did not reach again after a few seconds.
async function providerIsUp() {
  await server.do({ do: "openid", is: "up" });
  while ((await server.call("GET", "/v1/console/oidc/start")).status !== 302) await new Promise((resolve) => setTimeout(resolve, 100));
}

test("with the provider down the page says so, and an API key works all the same", async () => {
  const person = await Person.open(browser, server);
  await person.go("/");
  await button(person.page).click();
  await person.says("The server cannot reach the provider.");
  await person.isAccessible();
  await person.logIn();
  await person.close();
  await providerIsUp();
});

test("who is not linked is shown the subject; an administrator links it; then the person is in", async () => {
  const person = await Person.open(browser, server);
  await person.go("/instances?search=pay");
  await button(person.page).waitFor();
  await person.isAccessible();
  await button(person.page).click();
  await atProvider(person.page, "ann@example");
  await person.says("nobody here is linked to you");
  await person.says("ann@example");
  await person.page.getByRole("button", { name: "Copy Subject" }).waitFor();
  assert.ok(!person.page.url().includes("#"), "the fragment is gone");
  await person.isAccessible();

  await administrator.go(`/access/${ann}`);
  await administrator.says("Not linked");
  await administrator.page.getByRole("button", { name: "Link", exact: true }).click();
  await administrator.isAccessible();
  await administrator.dialog().getByLabel("Subject (sub)").fill("ann@example");
  await administrator.dialog().getByRole("button", { name: "Link", exact: true }).click();
  await administrator.says("Ann is linked.");
  await administrator.says("ann@example");
  await administrator.isAccessible();

  // The provider still knows the person.
  await button(person.page).click();
  await isLoggedIn(person.page);
  assert.ok(person.page.url().endsWith("/console/instances?search=pay"));
  await person.says("payroll");
  assert.equal(await person.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]).includes("ey")), false);
  await person.close();
});

test("a log-in that is cancelled, or that this browser has not begun, says so in words", async () => {
  const person = await Person.open(browser, server);
  await person.go("/");
  await button(person.page).click();
  await atProvider(person.page, "", "Cancel");
  await person.says("The login was cancelled at the provider.");
  await person.page.goto(`${server.url}/v1/console/oidc/callback?state=x&code=x`);
  await person.says("belongs to no login that this browser has begun");
  await person.close();
});

test("when the session has ended the log-in opens in a new tab, and the page goes on with what was typed", async () => {
  const person = await Person.open(browser, server);
  await person.go("/");
  await button(person.page).click();
  await atProvider(person.page, "ann@example");
  await isLoggedIn(person.page);
  await person.toKeys();
  await person.page.getByRole("button", { name: "Create key" }).click();
  await person.dialog().getByLabel("Name").first().fill("typed before");
  await person.context.clearCookies({ name: "__Host-keyhaven" });
  await person.dialog().getByRole("button", { name: "Create key" }).click();
  const again = person.page.getByRole("dialog", { name: "Your session has ended" });
  await again.waitFor();
  // Two dialogs at once: the marks that Carbon keeps the focus with belong to none of them.
  assert.deepEqual((await person.axe()).filter((found) => !found.includes("Focus sentinel")), []);
  const [tab] = await Promise.all([person.context.waitForEvent("page"), button(again).click()]);
  await isLoggedIn(tab);
  await again.waitFor({ state: "hidden" });
  assert.equal(await person.page.getByRole("dialog").filter({ visible: true }).getByLabel("Name").first().inputValue(), "typed before");
  await person.close();
});

test("unlinking ends the session at once; Korean, dark and narrow", async () => {
  const person = await Person.open(browser, server, { viewport: { width: 360, height: 740 }, colorScheme: "dark", locale: "ko-KR" });
  await person.go("/");
  const korean = person.page.getByRole("link", { name: "the tests(으)로 로그인" });
  await korean.waitFor();
  await person.isAccessible();
  assert.ok(await person.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
  await korean.click();
  await atProvider(person.page, "ann@example");
  await person.says("payroll");
  await administrator.go(`/access/${ann}`);
  await administrator.page.getByRole("button", { name: "Unlink", exact: true }).click();
  await administrator.dialog().getByRole("button", { name: "Unlink", exact: true }).click();
  await administrator.says("Ann is no longer linked.");
  await person.go("/instances");
  await korean.click();
  await person.says("연결된 ID가 없습니다");
  await person.isAccessible();
  assert.ok(await person.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await person.close();
});

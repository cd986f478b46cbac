// Logging in and out, the frame, languages, themes, small screens, and what happens when the server does not play along.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, Server, startBrowser } from "./harness.mjs";

let server, browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a wrong API key is refused in words and a right one opens the instances", async () => {
  const person = await Person.open(browser, server);
  await person.go("/");
  await person.page.getByLabel("API key").fill("no such key");
  await person.page.getByRole("button", { name: "Log in" }).click();
  await person.says("The API key is not known, or it was revoked.");
  await person.isAccessible();
  await person.page.getByLabel("API key").fill(server.apiKey);
  await person.page.getByRole("button", { name: "Log in" }).click();
  await person.page.getByRole("link", { name: "payroll" }).waitFor();
  assert.match(person.page.url(), /\/console\/instances$/);
  await person.close();
});

test("nothing of the session is within the reach of scripts or storage", async () => {
  const person = await Person.open(browser, server);
  await person.logIn();
  const found = await person.page.evaluate(() => ({ cookie: document.cookie, local: JSON.stringify(localStorage), session: JSON.stringify(sessionStorage) }));
  assert.equal(found.cookie, "");
  assert.equal(found.session, "{}");
  assert.ok(!found.local.includes(server.apiKey) && !found.local.includes("eyJ"), found.local);
  const cookies = await person.context.cookies();
  assert.deepEqual(cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite })), [{ name: "__Host-keyhaven", httpOnly: true, secure: true, sameSite: "Strict" }]);
  await person.close();
});

test("a shared address opens its page after logging in", async () => {
  const person = await Person.open(browser, server);
  await person.logIn(server.apiKey, `/instances/${server.instance}/key-rings`);
  await person.page.getByRole("heading", { name: "Key rings" }).waitFor();
  await person.close();
});

test("logging out ends the session in the server, too", async () => {
  const person = await Person.open(browser, server);
  await person.logIn();
  await person.page.getByRole("button", { name: "Account and preferences" }).click();
  await person.page.getByRole("button", { name: "Log out" }).click();
  await person.page.getByRole("heading", { name: "Log in to Keyhaven" }).waitFor();
  assert.deepEqual(await person.context.cookies(), []);
  await person.go("/instances");
  await person.page.getByRole("heading", { name: "Log in to Keyhaven" }).waitFor();
  await person.close();
});

test("an expired session asks for the login over the page, which keeps what was typed", async () => {
  const person = await Person.open(browser, server);
  await person.logIn();
  await person.toKeys();
  await person.page.getByRole("button", { name: "Create key" }).click();
  const name = person.page.getByRole("dialog", { name: "Create key" }).getByLabel("Name");
  await name.fill("typed before the end");
  await person.context.clearCookies();
  await person.dialog().getByRole("button", { name: "Create key" }).click();
  await person.says("Your session has ended");
  const login = person.page.getByRole("dialog", { name: "Your session has ended" });
  await login.getByLabel("API key").fill(server.apiKey);
  await login.getByRole("button", { name: "Log in" }).click();
  await login.waitFor({ state: "hidden" });
  assert.equal(await name.inputValue(), "typed before the end");
  await person.dialog().getByRole("button", { name: "Create key" }).click();
  await person.says("Key typed before the end was created.");
  await person.close();
});

test("the language follows the browser and can be chosen", async () => {
  const person = await Person.open(browser, server, { locale: "ko-KR" });
  await person.go("/");
  await person.page.getByRole("heading", { name: "Keyhaven 로그인" }).waitFor();
  assert.equal(await person.page.evaluate(() => document.documentElement.lang), "ko");
  await person.page.getByLabel("언어").selectOption("en");
  await person.page.getByRole("heading", { name: "Log in to Keyhaven" }).waitFor();
  await person.page.reload();
  await person.page.getByRole("heading", { name: "Log in to Keyhaven" }).waitFor();
  await person.close();
});

test("texts come with their page in the language wanted, and a change of language leaves the page as it is", async () => {
  const person = await Person.open(browser, server);
  // Files with the texts of keys, as far as they were loaded. They are slow here: nothing is drawn in their place.
  const loaded = [];
  await person.page.route(/assets\/keys-/, async (route) => {
    const answer = await route.fetch();
    if (/"keys\.intro"/.test(await answer.text())) {
      loaded.push(route.request().url());
      assert.equal(await person.page.getByText(/^keys\./).count(), 0);
    }
    await route.fulfill({ response: answer });
  });
  await person.logIn();
  assert.equal(loaded.length, 0);
  await person.toKeys();
  assert.equal(loaded.length, 1);
  await person.page.getByRole("searchbox").fill("typed before");
  await person.page.getByRole("button", { name: "Account and preferences" }).click();
  await person.page.getByLabel("Language").selectOption("ko");
  await person.page.getByRole("heading", { name: "키", exact: true }).waitFor();
  assert.equal(loaded.length, 2);
  assert.equal(await person.page.getByRole("searchbox").inputValue(), "typed before");
  assert.equal(await person.page.evaluate(() => document.documentElement.lang), "ko");
  await person.close();
});

test("the theme follows the system and can be chosen", async () => {
  const person = await Person.open(browser, server, { colorScheme: "dark" });
  await person.logIn();
  const theme = () => person.page.evaluate(() => document.documentElement.dataset.theme);
  assert.equal(await theme(), "dark");
  await person.isAccessible();
  await person.page.getByRole("button", { name: "Account and preferences" }).click();
  await person.page.getByLabel("Theme").selectOption("light");
  await person.page.waitForFunction(() => document.documentElement.dataset.theme === "light");
  await person.close();
});

test("at 360 pixels nothing is cut off and the menu opens", async () => {
  const person = await Person.open(browser, server, { viewport: { width: 360, height: 740 } });
  await person.logIn();
  for (const path of ["/instances", `/instances/${server.instance}`, `/instances/${server.instance}/keys`, `/instances/${server.instance}/key-rings`, `/instances/${server.instance}/resources`, "/about"]) {
    await person.go(path);
    await person.page.getByRole("heading", { level: 1 }).waitFor();
    const width = await person.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${path} is ${width} pixels wide`);
    await person.isAccessible();
  }
  await person.page.getByRole("button", { name: "Open menu" }).click();
  await person.page.getByRole("link", { name: "Instances" }).first().click();
  await person.page.getByRole("heading", { name: "Instances" }).waitFor();
  await person.close();
});

test("the main flow goes by keyboard alone", async () => {
  const person = await Person.open(browser, server);
  await person.go("/");
  await person.page.getByLabel("API key").focus();
  await person.page.keyboard.type(server.apiKey);
  await person.page.keyboard.press("Enter");
  await person.page.getByRole("link", { name: "payroll" }).focus();
  await person.page.keyboard.press("Enter");
  await person.page.getByRole("link", { name: "Open keys" }).focus();
  await person.page.keyboard.press("Enter");
  await person.page.getByRole("button", { name: "Create key" }).focus();
  await person.page.keyboard.press("Enter");
  await person.dialog().waitFor();
  await person.page.waitForFunction(() => document.activeElement?.id === "key-name");
  await person.page.keyboard.type("by keyboard");
  await person.page.keyboard.press("Enter");
  await person.says("Key by keyboard was created.");
  await person.page.getByRole("button", { name: "Actions of by keyboard" }).focus();
  await person.page.keyboard.press("Enter");
  await person.page.waitForFunction(() => document.activeElement?.textContent === "View details");
  await person.page.keyboard.press("Enter");
  await person.page.getByRole("heading", { name: "by keyboard" }).waitFor();
  await person.close();
});

test("a server that restarts is told as such, and the page goes on afterwards", async () => {
  const person = await Person.open(browser, server);
  await person.logIn();
  await person.toKeys();
  await person.page.route("**/api/v2/keys*", (route) => route.abort("connectionrefused"));
  await person.page.getByRole("button", { name: "Refresh" }).click();
  await person.says("The server cannot be reached");
  await person.isAccessible();
  await person.page.unroute("**/api/v2/keys*");
  await server.do({ do: "restart" });
  await person.page.getByRole("button", { name: "Try again" }).click();
  await person.page.getByText("The server cannot be reached").waitFor({ state: "hidden" });
  await person.page.getByRole("table").waitFor();
  await person.close();
});

test("about says where the page came from; an unknown address says so", async () => {
  const person = await Person.open(browser, server);
  await person.logIn(server.apiKey, "/about");
  await person.says("From the server itself.");
  await person.says("Ready");
  await person.isAccessible();
  await person.go("/no/such/page");
  await person.says("There is no such page");
  await person.close();
});

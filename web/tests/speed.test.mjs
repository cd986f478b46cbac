// Many keys: how soon the list can be used, that scrolling and sorting reach every row, and that nothing jumps.
// KH_CONSOLE_KEYS=50000 measures the largest instance; the default is what a text search is refused above.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, Server, startBrowser } from "./harness.mjs";

const KEYS = Number(process.env.KH_CONSOLE_KEYS ?? 5200);
// The goal is one second; a busy test machine gets some of it back.
const LIST_LIMIT_MS = Number(process.env.KH_CONSOLE_LIST_MS ?? 3000);

let server, browser, person;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
  await server.manyKeys(KEYS);
  person = await Person.open(browser, server);
  await person.logIn();
});
after(async () => {
  await person?.close();
  await browser?.close();
  await server?.stop();
});

const rows = () => person.page.locator("tbody tr:not(.kh-gap)");
const total = KEYS.toLocaleString("en-GB");

test("the list of keys can be used at once", async (t) => {
  await person.context.addInitScript(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  const path = `/instances/${server.instance}/keys?sort=creationDate`;
  // Once to fill the browser's cache, as on every visit but the first.
  await person.go(path);
  await person.page.getByRole("row").filter({ hasText: "key 0" }).first().waitFor();
  // The quickest of three visits: what else the machine does meanwhile is not what is measured.
  const visits = [];
  for (let visit = 0; visit < 3; visit += 1) {
    await person.go(path);
    await person.page.getByRole("row").filter({ hasText: "key 0" }).first().getByRole("button", { name: /Actions of/ }).waitFor();
    visits.push(await person.page.evaluate(() => [performance.now(), globalThis.shift]));
  }
  const [usable, shift] = [Math.min(...visits.map(([ms]) => ms)), Math.max(...visits.map(([, moved]) => moved))];
  t.diagnostic(`${total} keys: list usable after ${Math.round(usable)} ms, layout shift ${shift.toFixed(3)}`);
  assert.ok(usable < LIST_LIMIT_MS, `${usable} ms`);
  assert.ok(shift < 0.1, `layout shift ${shift}`);
  await person.says(`${total} rows`);
  assert.ok((await rows().count()) < 60, "only the rows in view are in the document");
});

test("the end of the list is one key press away", async (t) => {
  const region = person.page.getByRole("region", { name: /^Keys/ });
  await region.focus();
  const start = Date.now();
  await person.page.keyboard.press("End");
  const last = person.page.locator(`tr[aria-rowindex="${KEYS + 1}"]`);
  await last.getByRole("link").waitFor();
  t.diagnostic(`last of ${total} keys shown after ${Date.now() - start} ms`);
  await person.page.keyboard.press("Home");
  await person.page.locator('tr[aria-rowindex="2"]').getByRole("link").waitFor();
});

test("sorting and filtering go by the server and stay in the address", async () => {
  await person.page.getByRole("button", { name: "State" }).click();
  await person.page.waitForURL(/sort=state/);
  await person.page.getByRole("combobox", { name: "Type" }).selectOption("standard");
  await person.says(`${Math.ceil(KEYS / 5).toLocaleString("en-GB")} rows`);
  await person.page.reload();
  await person.says(`${Math.ceil(KEYS / 5).toLocaleString("en-GB")} rows`);
  await person.page.getByRole("button", { name: "Clear filters" }).click();
  await person.says(`${total} rows`);
});

test("text search above 5,000 keys is refused in words; ids, aliases and filtered lists are found", { skip: KEYS <= 5000 }, async () => {
  const search = person.page.getByRole("searchbox");
  await search.fill("key 0001");
  await search.press("Enter");
  await person.says("This instance has more than 5,000 keys");
  await person.isAccessible();
  await search.fill("alias:alias-7");
  await search.press("Enter");
  await person.row("key 00007").waitFor();
  await person.says("Too many keys to search");
  await person.page.getByRole("button", { name: "Clear filters" }).click();
  await person.says(`${total} rows`);
  await person.page.getByRole("combobox", { name: "Type" }).selectOption("standard");
  await person.says(`${Math.ceil(KEYS / 5).toLocaleString("en-GB")} rows`);
});

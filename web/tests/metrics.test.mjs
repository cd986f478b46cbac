// Metrics: reading Prometheus' text, rates from totals, and the page on a real server.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Person, Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

after(unload);

describe("figures, without a browser", () => {
  test("the text format is read, and lines that are none are left out", async () => {
    const { parse } = await load("metrics/prometheus.ts");
    const families = parse('# HELP a b\n# TYPE a gauge\na{x="1",y="q\\"\\\\\\n,}"} 2.5 123\na 3\nbad{x=1} 2\nb +Inf\n\ngarbage');
    assert.deepEqual([...families], [
      ["a", [{ labels: { x: "1", y: 'q"\\\n,}' }, value: 2.5 }, { labels: {}, value: 3 }]],
      ["b", [{ labels: {}, value: Infinity }]],
    ]);
  });

  const text = (rows) =>
    rows.flatMap(([api, code, calls, mean]) => [`ibm_kms_api_request_gauge{instance="i",api="${api}",code="${code}"} ${calls}`, `ibm_kms_api_latency_gauge{instance="i",api="${api}",code="${code}"} ${mean}`]).join("\n");

  test("what happened between two readings, also when counting began anew", async () => {
    const { parse } = await load("metrics/prometheus.ts");
    const { apiRows, between, snapshotOf } = await load("metrics/series.ts");
    const at = (ms, ...rows) => snapshotOf(parse(text(rows)), ms);
    const before = at(0, ["wrap", 200, 100, 2], ["wrap", 404, 10, 1]);
    // 100 more calls, the mean of all is 3: those took 4 ms each.
    const after = at(10_000, ["wrap", 200, 200, 3], ["wrap", 404, 20, 1], ["read", 503, 5, 8]);
    const step = between(before, after);
    assert.deepEqual([step.callsPerSecond, step.refusedPerSecond, step.failedPerSecond], [11.5, 1, 0.5]);
    assert.ok(Math.abs(step.meanMs - (100 * 4 + 10 * 1 + 5 * 8) / 115) < 1e-9);
    assert.equal(between(after, after).meanMs, null);
    assert.equal(between(before, after, "other").callsPerSecond, 0);
    const restarted = between(after, at(20_000, ["wrap", 200, 30, 5]));
    assert.deepEqual([restarted.callsPerSecond, restarted.meanMs], [3, 5]);
    assert.deepEqual(apiRows([before, after]).map(({ api, calls, refused, failed, perSecond }) => [api, calls, refused, failed, perSecond]), [["wrap", 220, 20, 0, 11], ["read", 5, 0, 5, 0.5]]);
  });
});

describe("the page", () => {
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

  const setPolicy = (enabled) =>
    server.call("PUT", "/api/v2/instance/policies", { metadata: { collectionType: "application/vnd.ibm.kms.policy+json", collectionTotal: 1 }, resources: [{ policy_type: "metrics", policy_data: { enabled } }] });
  const readNow = async () => {
    const answer = person.page.waitForResponse((response) => response.url().endsWith("/metrics") && response.request().resourceType() === "fetch");
    await person.page.getByRole("button", { name: "Read now" }).click();
    await answer;
  };

  test("says that nothing is counted while the policy is off", async () => {
    await person.go("/metrics");
    await person.says("No calls are counted");
    await person.says("Off: set the policy");
    await person.says("2 of 2");
    await person.page.getByText("OK", { exact: true }).first().waitFor();
    await person.isAccessible();
  });

  test("draws what happened between its readings, and says the same as a table", async () => {
    assert.equal((await setPolicy(true)).status, 204);
    const call = () => server.call("GET", "/api/v2/keys");
    const refused = () => server.call("GET", "/api/v2/keys/00000000-0000-4000-8000-000000000000/metadata");
    await call();
    await person.go("/metrics");
    await person.page.getByLabel("Read", { exact: true }).selectOption("0");
    await person.says("Rates appear with the second reading.");
    for (let round = 0; round < 3; round += 1) {
      await call();
      await call();
      await refused();
      await readNow();
      // A reading that the page has not taken yet would be given up for the next one.
      await person.page.locator(".kh-chart").first().locator("tbody tr").nth(round).waitFor({ state: "attached" });
    }
    const chart = person.page.getByRole("img", { name: /^Calls\. Calls: [\d.,]+ per s$/ });
    await chart.waitFor();
    assert.match(await chart.locator("path").nth(1).getAttribute("d"), /^M[\d.]+ [\d.]+h1(L[\d.]+ [\d.]+)+$/);
    await person.page.getByText("Errors as a table").click();
    const table = person.page.getByRole("region", { name: "Errors", exact: true }).getByRole("table");
    assert.equal(await table.getByRole("row").count(), 4);
    const list = person.page.getByRole("row").filter({ hasText: "secrets.list" });
    assert.deepEqual((await list.getByRole("cell").allInnerTexts()).slice(1, 4), ["7", "0", "0"]);
    await person.isAccessible();
    await person.page.getByLabel("Instance", { exact: true }).selectOption({ label: "payroll" });
    assert.match(person.page.url(), new RegExp(`instance=${server.instance}`));
  });

  test("a restart of the server is survived: counting begins anew, and the readings go on", async () => {
    await person.go("/metrics");
    await person.page.getByLabel("Read", { exact: true }).selectOption("0");
    await person.says("Rates appear with the second reading.");
    await server.do({ do: "restart" });
    await readNow();
    await person.says("No calls are counted");
    await server.call("GET", "/api/v2/keys");
    await readNow();
    const list = person.page.getByRole("row").filter({ hasText: "secrets.list" });
    await list.getByRole("cell").nth(1).waitFor();
    assert.equal((await list.getByRole("cell").allInnerTexts())[1], "1");
    await person.page.getByRole("img", { name: /^Calls\. Calls: [\d.,]+ per s$/ }).waitFor();
  });

  test("who is no administrator is told so, and sees the health on the page about", async () => {
    const apiKey = await server.do({ do: "service_id", name: "reader", role: "Reader", instance: server.instance });
    const reader = await Person.open(browser, server);
    await reader.logIn(apiKey, "/metrics");
    await reader.says("This page needs the role Administrator");
    await reader.go("/about");
    await reader.page.getByText("OK", { exact: true }).first().waitFor();
    await reader.close();
  });

  test("in Korean, dark, at 360 pixels", async () => {
    const small = await Person.open(browser, server, { locale: "ko-KR", colorScheme: "dark", viewport: { width: 360, height: 740 } });
    await small.go("/metrics");
    await small.page.getByLabel("API 키").fill(server.apiKey);
    await small.page.getByRole("button", { name: "로그인" }).click();
    await small.page.getByText("API별 누계").first().waitFor();
    await small.isAccessible();
    assert.ok(await small.page.evaluate(() => document.documentElement.scrollWidth <= 360));
    await small.close();
  });
});

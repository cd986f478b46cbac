// The pages about migrations: against a real migration between two instances, made by the tool in a directory that a real
// `keyhaven console` shows; and what the server's own page says.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Person, Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const dist = resolve(dirname(dirname(fileURLToPath(import.meta.url))), process.env.KH_WEB_DIST ?? "dist");
const HOSTILE = '<img src=x onerror=alert(1)> "payroll": #1';

// `keyhaven console --migration` of one directory, and the tool that makes the migration in it.
class Migration {
  static async start(server) {
    const one = new Migration();
    one.server = server;
    one.home = mkdtempSync(join(tmpdir(), "keyhaven-migration-"));
    one.directory = join(one.home, "migration");
    mkdirSync(one.directory);
    const admin = join(one.home, "api-key");
    writeFileSync(admin, server.apiKey, { mode: 0o600 });
    one.environment = { ...process.env, KH_URL: server.url, KH_IAM_URL: server.url, KH_CA: server.ca, KH_API_KEY_FILE: admin, HOME: one.home, XDG_CONFIG_HOME: one.home };
    await one.serve();
    return one;
  }

  async serve() {
    this.child = spawn(join(this.server.bin, "keyhaven"), ["console", "--migration", this.directory, "--web-dir", dist], { env: this.environment, stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: this.child.stdout })) {
      const found = /http:\/\/\S+#start=\S+/.exec(line);
      if (!found) continue;
      this.start = found[0];
      this.url = new URL(found[0]).origin;
      return this.start;
    }
    throw new Error("keyhaven console has ended");
  }

  async halt() {
    if (this.child.exitCode !== null) return;
    this.child.kill("SIGINT");
    await new Promise((resolve) => this.child.once("exit", resolve));
  }

  // A second console of the same directory, for the same browser.
  another() {
    const one = new Migration();
    Object.assign(one, { server: this.server, directory: this.directory, environment: this.environment });
    return one;
  }

  file = (name) => join(this.directory, name);

  // One verb of `keyhaven migrate`; `status` is what it must end with.
  run(verb, args, status = 0) {
    const done = spawnSync(join(this.server.bin, "keyhaven"), ["migrate", verb, ...args], { env: this.environment, encoding: "utf8" });
    assert.equal(done.status, status, `${verb}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  async close() {
    await this.halt();
    rmSync(this.home, { recursive: true, force: true });
  }
}

let server, browser, migration, person, target;
const ids = {};

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
  target = await server.do({ do: "instance", name: "target", initialise: true });
  [ids.hostile, ids.imported, ids.standard, ids.gone] = await server.keys(
    { name: HOSTILE, aliases: ["pay"] },
    { name: "imported", payload: Buffer.alloc(32, 7).toString("base64") },
    { name: "licence", extractable: true },
    { name: "gone" },
  );
  await server.call("POST", `/api/v2/keys/${ids.hostile}/actions/rotate`, {});
  await server.call("DELETE", `/api/v2/keys/${ids.gone}`);
  migration = await Migration.start(server);
  const rows = [];
  for (let row = 0; row < 3; row += 1) rows.push(`${ids.hostile},${(await server.call("POST", `/api/v2/keys/${ids.hostile}/actions/wrap`, { plaintext: Buffer.alloc(32, row).toString("base64") })).body.ciphertext}`);
  writeFileSync(migration.file("deks.csv"), ["key,wdek", ...rows, ""].join("\n"));
  writeFileSync(migration.file("material.csv"), `id,payload\n${ids.imported},${Buffer.alloc(32, 7).toString("base64")}\n`, { mode: 0o600 });
  person = await Person.open(browser, migration);
  await person.page.goto(migration.start);
  await person.page.getByRole("button", { name: "Account and preferences" }).waitFor();
});
after(async () => {
  await person?.close();
  await migration?.close();
  await browser?.close();
  await server?.stop();
  await unload();
});

const totals = () => person.page.getByTestId("migration-totals");
const rowOf = (name) => person.page.getByRole("row").filter({ has: person.page.getByRole("button", { name, exact: true }) });
const tab = (name) => person.page.getByRole("tab", { name, exact: true });

test("an empty directory says how a plan comes into it", async () => {
  await person.go("/");
  await person.page.getByRole("link", { name: "Migration", exact: true }).click();
  await person.says("There is no plan in this directory");
  await person.says("keyhaven migrate plan --source-instance SOURCE");
  await person.isAccessible();
});

test("a fresh plan: what is done, lost and supplied per key, hostile names as text, and the file as it is", async () => {
  migration.run("plan", ["--source-instance", server.instance, "--target-instance", target, "--inventory", migration.file("deks.csv"), "--material", migration.file("material.csv"), "--out", migration.file("plan.yaml")]);
  await person.page.getByRole("button", { name: "Look for plans again" }).click();
  await totals().getByText("Planned: 3").waitFor();
  await totals().getByText("Only reported: 1").waitFor();
  await person.says("Nothing has been verified yet");
  await tab("The plan").click();
  const hostile = rowOf(HOSTILE);
  await hostile.getByText("A new key is generated; DEKs are wrapped anew").waitFor();
  await hostile.getByText("1 earlier version(s)").waitFor();
  await rowOf("imported").getByText("Material of 1 of 1 version, oldest first").waitFor();
  await rowOf("licence").getByText("Made again with the same payload").waitFor();
  assert.equal(await person.page.getByTestId("plan-text").textContent(), readFileSync(migration.file("plan.yaml"), "utf8"));
  assert.equal(await person.page.locator("img").count(), 0);
  await person.isAccessible();
});

test("the summary is filtered, and a key's details cut nothing off, by keyboard", async () => {
  await person.page.getByLabel("Show", { exact: true }).selectOption("supply");
  await person.page.getByText("1 row", { exact: true }).waitFor();
  await rowOf("imported").waitFor();
  await person.page.getByLabel("Show", { exact: true }).selectOption("lost");
  await rowOf(HOSTILE).getByRole("button").focus();
  await person.page.keyboard.press("Enter");
  await person.dialog().getByText("1 earlier version(s): DEKs of every version are re-wrapped").waitFor();
  await person.dialog().getByText("pay", { exact: true }).waitFor();
  await person.isAccessible();
  await person.page.keyboard.press("Escape");
  await person.dialog().waitFor({ state: "hidden" });
  await person.page.getByLabel("Show", { exact: true }).selectOption("blocked");
  await person.says("No key matches");
  await person.page.getByRole("button", { name: "Clear filters" }).click();
  await rowOf("gone").waitFor();
});

test("a blocked key is named with its reason and what to do", async () => {
  const text = readFileSync(migration.file("plan.yaml"), "utf8");
  writeFileSync(migration.file("blocked.yaml"), text.replace("action: copy", 'action: blocked\n    blocked: "decide <b>this</b>: set action to copy"'));
  await person.go("/migration?plan=blocked.yaml");
  await totals().getByText("Blocked: 1").waitFor();
  await person.says("Some keys are blocked");
  await person.page.locator("#migration-state").selectOption("blocked");
  await rowOf("licence").getByText("decide <b>this</b>: set action to copy").waitFor();
  await rowOf("licence").getByRole("button").click();
  await person.dialog().getByText("run keyhaven migrate apply again").waitFor();
  await person.page.keyboard.press("Escape");
  await person.page.getByRole("button", { name: "Clear filters" }).click();
  await rowOf("gone").waitFor();
});

test("a plan with a mistake: its line, code and correlation id; the text is shown without a summary", async () => {
  const text = readFileSync(migration.file("plan.yaml"), "utf8");
  writeFileSync(migration.file("broken.yaml"), text.replace("action: copy", "action: [teleport]"));
  await person.go("/migration?plan=broken.yaml");
  const alert = person.page.getByRole("alert").filter({ hasText: "line" });
  await alert.getByTestId("error-code").waitFor();
  assert.match(await alert.innerText(), /line \d+[\s\S]*Correlation ID: [0-9a-f-]{36}/);
  await tab("The plan").click();
  await person.says("There is no summary of this plan");
  await person.page.getByRole("status").filter({ hasText: /line \d+/ }).waitFor();
  await person.page.getByTestId("plan-text").getByText("action: [teleport]").waitFor();
  await person.isAccessible();
  await person.go("/migration?plan=nobody.yaml");
  await person.says("There is no plan nobody.yaml in this directory");
});

test("progress comes by itself, and only while the page is in view", async () => {
  await person.go("/migration?plan=plan.yaml");
  await totals().getByText("Planned: 3").waitFor();
  migration.run("apply", [migration.file("plan.yaml"), "--material", migration.file("material.csv")]);
  await totals().getByText("Done: 3").waitFor({ timeout: 40000 });
  await person.says("3 of 3");
  await person.page.locator("#migration-state").selectOption("reported");
  await person.page.getByText("1 row", { exact: true }).waitFor();
  await rowOf("gone").waitFor();
  await person.page.getByRole("button", { name: "Clear filters" }).click();
  await person.isAccessible();
});

test("a hidden page asks nothing, and asks at once when it is seen again", async () => {
  const clock = await Person.open(browser, migration);
  await clock.context.addCookies(await person.context.cookies());
  await clock.page.clock.install();
  const show = (state) =>
    clock.page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await clock.go("/migration?plan=plan.yaml");
  await clock.page.getByTestId("migration-totals").getByText("Done: 3").waitFor();
  let asked = 0;
  clock.page.on("request", (request) => (asked += request.url().endsWith("/status") ? 1 : 0));
  await show("hidden");
  await clock.page.clock.runFor(120000);
  assert.equal(asked, 0);
  const answer = clock.page.waitForResponse((response) => response.url().endsWith("/status"));
  await show("visible");
  await answer;
  assert.equal(asked, 1);
  const next = clock.page.waitForResponse((response) => response.url().endsWith("/status"));
  await clock.page.clock.runFor(5000);
  await next;
  await clock.close();
});

test("what a page asks by itself is no use of the console; what a person asks is", async () => {
  const watched = await Person.open(browser, migration);
  await watched.context.addCookies(await person.context.cookies());
  await watched.page.clock.install();
  const calls = [];
  watched.page.on("request", (request) => {
    if (request.url().endsWith("/status")) calls.push(request.headers()["x-keyhaven-unattended"]);
  });
  // An answer to what is asked from now on, not to what was asked before.
  const next = async () => (await watched.page.waitForRequest((request) => request.url().endsWith("/status"))).response();
  await watched.go("/migration?plan=plan.yaml");
  await watched.page.getByTestId("migration-totals").getByText("Done: 3").waitFor();
  assert.deepEqual([...new Set(calls)], [undefined]);
  await watched.page.clock.runFor(60000);
  calls.length = 0;
  const poll = next();
  await watched.page.clock.runFor(20000);
  await poll;
  assert.deepEqual([...new Set(calls)], ["1"]);
  calls.length = 0;
  const asked = next();
  await watched.page.getByRole("button", { name: "Refresh", exact: true }).click();
  await asked;
  assert.deepEqual(calls, [undefined]);
  await watched.close();
});

test("two consoles at once in one browser: each has its session, and the end of one leaves the other", async () => {
  const other = migration.another();
  const both = await Person.open(browser, migration);
  await both.page.goto(await other.serve());
  await both.page.getByRole("button", { name: "Account and preferences" }).waitFor();
  await both.context.addCookies(await person.context.cookies());
  await both.go("/migration?plan=plan.yaml");
  await both.page.getByTestId("migration-totals").waitFor();
  await both.page.goto(`${other.url}/console/instances`);
  await both.page.getByRole("link", { name: "payroll" }).waitFor();
  assert.equal(await both.page.evaluate(async () => (await fetch("/v1/console/session", { method: "DELETE", headers: { "X-Keyhaven-Console": "1" } })).status), 204);
  await both.page.reload();
  await both.says("keyhaven console has ended");
  await both.go("/migration?plan=plan.yaml");
  await both.page.getByTestId("migration-totals").waitFor();
  await both.close();
  await other.halt();
});

test("verification and report: figures, hash, receipt, and how to check them", async () => {
  await tab("Report").click();
  await person.says("There is no report of this plan yet");
  await person.isAccessible();
  const [plan, deks, out] = [migration.file("plan.yaml"), migration.file("deks.csv"), migration.file("new.csv")];
  migration.run("rewrap", [plan, "--inventory", deks, "--out", out]);
  migration.run("verify", [plan, "--inventory", deks, "--rewrapped", out]);
  migration.run("report", [plan, "--out", migration.file("report.html"), "--json-out", migration.file("report.json"), "--by", "Ada <Lovelace>"]);
  await person.page.getByRole("button", { name: "Refresh", exact: true }).click();
  await person.says("Verified: every key and every DEK of the plan arrived and was found equal");
  const report = JSON.parse(readFileSync(migration.file("report.json"), "utf8"));
  const recorded = JSON.parse(report.receipt.record);
  for (const text of [report.report.plan.sha256, report.report.journal.sha256, recorded.event.requestData.reportHash, recorded.hash, report.receipt.public_key, "Ada <Lovelace>"]) await person.says(text);
  await person.says("keyhaven migrate report --check report.html --audit-key KEY");
  assert.equal(await person.page.getByText("The plan's file is not the one that this report is about").count(), 0);
  await person.isAccessible();
  await tab("Progress").click();
  await totals().getByText("Verified: 3").waitFor({ timeout: 40000 });
  await person.says("The last verification found everything equal");
});

test("a plan that was edited after its report is said to be another one", async () => {
  const plan = migration.file("plan.yaml");
  const text = readFileSync(plan, "utf8");
  writeFileSync(plan, `# looked at again\n${text}`);
  await person.go("/migration?plan=plan.yaml&tab=report");
  await person.says("The plan's file is not the one that this report is about");
  writeFileSync(plan, text);
  await person.go("/migration?plan=plan.yaml&tab=plan");
  await rowOf("imported").waitFor();
});

test("in Korean, dark, at 360 pixels", async () => {
  const small = await Person.open(browser, migration, { locale: "ko-KR", colorScheme: "dark", viewport: { width: 360, height: 740 } });
  await small.context.addCookies(await person.context.cookies());
  const heads = { progress: "마지막 검증에서 모두 같았습니다", plan: "계획 파일", report: "대상의 영수증" };
  for (const [name, text] of Object.entries(heads)) {
    await small.go(`/migration?plan=plan.yaml&tab=${name}`);
    await small.page.getByText(text).first().waitFor();
    await small.isAccessible();
    assert.ok(await small.page.evaluate(() => document.documentElement.scrollWidth <= 360), name);
  }
  await small.close();
});

test("from the server: what it is, the commands, and what is left of services", async () => {
  await server.do({ do: "register", instance: server.instance, service: "cloud-object-storage", key: ids.hostile, resources: ["payslips"] });
  const reader = await Person.open(browser, server, { viewport: { width: 360, height: 740 } });
  await reader.logIn(server.apiKey, "/migration");
  await reader.says("It runs where the tool runs");
  await reader.says(`keyhaven console --migration DIR --url ${server.url}`);
  await reader.page.getByRole("link", { name: "Registrations: 1" }).waitFor();
    await reader.isAccessible();
  assert.ok(await reader.page.evaluate(() => document.documentElement.scrollWidth <= 360));
  await reader.page.getByRole("link", { name: "Open transfers of payroll" }).click();
  await reader.says("No transfer is open");
  await reader.close();
});

test("a verification is equal only when nothing is wrong and nothing was left out", async () => {
  const { verdictOf, progressOf } = await load("migration/rules.ts");
  const equal = { deks: 3, deks_equal: 3, standard_keys: 1, standard_equal: 1 };
  const rows = [
    [null, "none"],
    [equal, "equal"],
    [{ ...equal, deks_not_sampled: 2 }, "partly"],
    [{ ...equal, standard_equal: 0 }, "different"],
    ...["deks_different", "deks_unverifiable", "metadata_differences", "keys_missing", "still_enabled"].map((name) => [{ ...equal, deks_not_sampled: 2, [name]: 1 }, "different"]),
  ];
  for (const [run, verdict] of rows) assert.equal(verdictOf(run), verdict, JSON.stringify(run));
  assert.deepEqual(progressOf({ planned: 1, begun: 1, done: 2, verified: 3, failed: 1, blocked: 5, reported: 7 }), { done: 5, total: 8 });
});

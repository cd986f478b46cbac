// A real server and a real browser for the tests. Every page that a test opens is watched: a violation of the content
// security policy, an uncaught error or an error in the console fails the test.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const web = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = resolve(web, process.env.KH_WEB_DIST ?? "dist");
const CHROMIUM = process.env.KH_CHROMIUM ?? "/usr/bin/chromium";

// Browsers say this of every answer of 400 and above; what matters is what the page makes of it.
const EXPECTED = [/Failed to load resource: the server responded with a status of/, /Failed to load resource: net::ERR_/];

export class Server {
  // Starts keyhavend with an initialised instance "payroll", by tests/serve.py.
  static async start(...options) {
    const server = new Server();
    server.child = spawn("python3", [join(web, "tests/serve.py"), "--web", dist, ...options], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { KH_OPENAPI_CHECK: "0", ...process.env },
    });
    server.lines = createInterface({ input: server.child.stdout })[Symbol.asyncIterator]();
    Object.assign(server, JSON.parse(await server.line()));
    return server;
  }

  async line() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error("tests/serve.py has ended");
    return value;
  }

  // One command of serve.py; they are answered in order.
  async do(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
    const answer = JSON.parse(await this.line());
    if (answer.error) throw new Error(`${command.do}: ${answer.error}`);
    return answer.ok;
  }

  async keys(...keys) {
    return this.do({ do: "keys", instance: this.instance, keys });
  }

  // Many keys at once, "key 00000" and so on; every fifth is a standard key, every seventh of the first 5,000 has an alias.
  async manyKeys(count) {
    return this.do({ do: "many", instance: this.instance, count });
  }

  async call(method, path, body, headers) {
    const { status, body: text } = await this.do({ do: "call", method, path, body, headers, instance: this.instance });
    return { status, body: text ? JSON.parse(text) : undefined };
  }

  async stop() {
    this.child.stdin.end();
    await new Promise((resolve) => this.child.once("exit", resolve));
  }
}

export const startBrowser = () => chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

// A person at the console: a browser context of its own, with what the page complained about.
export class Person {
  static async open(browser, server, options = {}) {
    const person = new Person();
    person.server = server;
    person.complaints = [];
    person.context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Asia/Seoul", reducedMotion: "reduce", ...options });
    await person.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
    await person.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    const page = (person.page = await person.context.newPage());
    page.setDefaultTimeout(15000);
    page.on("pageerror", (error) => person.complaints.push(`uncaught: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !EXPECTED.some((form) => form.test(message.text()))) person.complaints.push(`console: ${message.text()}`);
    });
    return person;
  }

  async go(path) {
    await this.page.goto(`${this.server.url}/console${path}`);
  }

  // Logs in through the form, as a person does.
  async logIn(apiKey = this.server.apiKey, path = "/") {
    await this.go(path);
    await this.page.getByLabel("API key").fill(apiKey);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.getByRole("button", { name: "Account and preferences" }).waitFor();
  }

  async toKeys() {
    await this.go(`/instances/${this.server.instance}/keys`);
    await this.page.getByRole("heading", { name: "Keys", exact: true }).waitFor();
  }

  row(name) {
    return this.page.getByRole("row").filter({ has: this.page.getByRole("link", { name, exact: true }) });
  }

  // Opens the menu of a key's row and chooses.
  async choose(name, action) {
    await this.row(name).getByRole("button", { name: `Actions of ${name}` }).click();
    await this.page.getByRole("menuitem", { name: action, exact: true }).click();
  }

  dialog() {
    return this.page.getByRole("dialog").filter({ visible: true });
  }

  async says(text) {
    await this.page.getByText(text).first().waitFor();
  }

  // Accessibility rules of WCAG 2 A and AA that the page breaks.
  async axe() {
    await this.page.getByRole("heading", { level: 1 }).first().waitFor({ state: "attached" });
    await this.page.waitForFunction(() => !document.querySelector(".kh-loading") && document.getAnimations().every(({ playState }) => playState !== "running"));
    await this.page.evaluate(AXE);
    const result = await this.page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
    return result.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} (${node.any[0]?.message ?? node.failureSummary})`));
  }

  async isAccessible() {
    assert.deepEqual(await this.axe(), []);
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }
}

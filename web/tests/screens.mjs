// Pictures of all pages for the documentation: ../docs/screens/console-<page>.png, light, English, 1280 pixels wide; some
// dark, Korean, or at 360 pixels. `npm run screens` makes them anew; `npm run screens -- keys` only those.
//
// A page: its name, its address below /console (":instance", ":key" and ":identity" are filled), what to wait for, what to do before;
// `as`: the role on the instance of who looks, who is else the administrator.
import { readFileSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Administrator } from "./administrators.mjs";
import { Person, Server, startBrowser } from "./harness.mjs";

const folder = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "docs/screens");

const openDialog = (button) => async ({ page }) => {
  await page.getByRole("button", { name: button }).click();
  await page.getByRole("dialog").filter({ visible: true }).waitFor();
};

const tick = (label) => ({ page }) => page.getByText(label).click();

async function openLog({ page, server }) {
  const log = join(server.home, "data/server/audit");
  const files = readdirSync(log).filter((name) => name.endsWith(".log"));
  await page.locator('input[type="file"]:enabled').setInputFiles(files.map((name) => ({ name, mimeType: "text/plain", buffer: readFileSync(join(log, name)) })));
  await page.getByTestId("audit-verification").scrollIntoViewIfNeeded();
}

// Lines need several readings with calls in between.
async function readThrice({ page, server }) {
  for (let round = 1; round <= 6; round += 1) {
    for (let calls = 0; calls < 4 * round; calls += 1) await server.call("GET", calls % 5 === 4 ? "/api/v2/keys/00000000-0000-4000-8000-000000000000" : "/api/v2/keys");
    const answer = page.waitForResponse((response) => response.url().endsWith("/metrics") && response.request().resourceType() === "fetch");
    await page.getByRole("button", { name: "Read now" }).click();
    await answer;
  }
  await page.getByLabel("Instance", { exact: true }).evaluate((select) => select.scrollIntoView({ block: "center" }));
  await page.getByRole("heading", { name: "By API" }).scrollIntoViewIfNeeded();
}

const PAGES = [
  { name: "instances", path: "/instances" },
  { name: "instance", path: "/instances/:instance" },
  { name: "instance-new", path: "/instances/:empty", wait: "This instance is not initialized" },
  { name: "keys", path: "/instances/:instance/keys" },
  { name: "keys-dark", path: "/instances/:instance/keys", options: { colorScheme: "dark" } },
  { name: "keys-korean", path: "/instances/:instance/keys", options: { locale: "ko-KR" } },
  { name: "keys-narrow", path: "/instances/:instance/keys", options: { viewport: { width: 360, height: 740 } } },
  { name: "keys-narrow-dark", path: "/instances/:instance/keys", options: { viewport: { width: 360, height: 740 }, colorScheme: "dark" } },
  { name: "keys-narrow-korean", path: "/instances/:instance/keys", options: { viewport: { width: 360, height: 740 }, locale: "ko-KR" } },
  { name: "keys-reader", path: "/instances/:instance/keys", as: "Reader", wait: "Needs the role Writer or Manager." },
  { name: "policies-reader", path: "/instances/:instance/policies", as: "Reader", wait: "This page needs the role Manager" },
  { name: "key-create", path: "/instances/:instance/keys", act: openDialog("Create key") },
  { name: "key-delete", path: "/instances/:instance/keys/:key", act: openDialog("Delete key") },
  { name: "key", path: "/instances/:instance/keys/:key" },
  { name: "key-policies", path: "/instances/:instance/keys/:key?tab=policies" },
  { name: "key-timeline", path: "/instances/:instance/keys/:key?tab=timeline" },
  { name: "resources", path: "/instances/:instance/resources", wait: "2 rows" },
  { name: "key-rings", path: "/instances/:instance/key-rings" },
  { name: "crypto-units", path: "/instances/:instance/crypto-units", wait: "Sealing of the units' state" },
  { name: "crypto-units-compare", path: "/instances/:instance/crypto-units?tab=compare", wait: "units agree in what" },
  { name: "transcript", path: "/instances/:instance/crypto-units?tab=transcript", wait: "Chain verified" },
  { name: "ceremony-server", path: "/instances/:empty/ceremony", wait: "Install the administrators" },
  { name: "policies", path: "/instances/:instance/policies", act: tick("Require two users to approve key deletions") },
  { name: "transfers", path: "/instances/:instance/transfers" },
  { name: "migration", path: "/migration", wait: "Registrations: " },
  { name: "access", path: "/access" },
  { name: "access-identity", path: "/access/:identity" },
  { name: "access-grant", path: "/access/:identity", act: openDialog("Grant roles") },
  { name: "audit", path: "/audit?tab=files", act: openLog },
  { name: "audit-records", path: "/audit" },
  { name: "audit-chain", path: "/audit?tab=chain" },
  { name: "metrics", path: "/metrics", act: readThrice },
  { name: "about", path: "/about" },
];

const KEYS = [
  { name: "payroll-root", aliases: ["payroll"], description: "Wraps the data keys of the payroll database" },
  { name: "archive-2025", aliases: ["archive"], keyRingID: "archive" },
  { name: "invoices-root", aliases: ["invoices", "billing"] },
  { name: "webhook-signing", extractable: true },
  { name: "backup-volume", description: "Volumes of the backup cluster" },
  { name: "급여 데이터베이스" },
  { name: "reporting-root" },
  { name: "mail-gateway", extractable: true },
];

async function furnish(server) {
  for (const ring of ["finance", "archive"]) await server.call("POST", `/api/v2/key_rings/${ring}`);
  const ids = await server.keys(...KEYS.map(({ keyRingID: _, ...key }) => key));
  await server.call("PATCH", `/api/v2/keys/${ids[1]}`, { keyRingID: "archive" });
  await server.call("PATCH", `/api/v2/keys/${ids[2]}`, { keyRingID: "finance" });
  await server.call("POST", `/api/v2/keys/${ids[4]}/actions/disable`, {});
  await server.call("POST", `/api/v2/keys/${ids[0]}/actions/rotate`, {});
  await server.call("DELETE", `/api/v2/keys/${ids[6]}`);
  await server.do({ do: "register", instance: server.instance, service: "cloud-object-storage", key: ids[0], resources: ["payslips", "tax-forms"], prevents: true });
  const { body: job } = await server.call("POST", "/v1/serviceids", { name: "payroll service", description: "Wraps and unwraps the payroll's data keys" });
  await server.call("POST", "/v1/serviceids", { name: "Grace Hopper", type: "user" });
  await server.call("POST", "/v1/apikeys", { name: "payroll host 1", iam_id: job.iam_id });
  const on = (...attributes) => ({ subjects: [{ attributes: [{ name: "iam_id", value: job.iam_id }] }], resources: [{ attributes: [{ name: "serviceInstance", value: server.instance }, ...attributes] }] });
  await server.call("POST", "/v1/policies", { ...on(), roles: [{ display_name: "Reader" }] });
  await server.call("POST", "/v1/policies", { ...on({ name: "keyRing", value: "finance" }), roles: [{ display_name: "Writer" }] });
  const metrics = { policy_type: "metrics", policy_data: { enabled: true } };
  await server.call("PUT", "/api/v2/instance/policies", { metadata: { collectionType: "application/vnd.ibm.kms.policy+json", collectionTotal: 1 }, resources: [metrics] });
  const empty = await server.do({ do: "instance", name: "staging", initialise: false });
  return { ":instance": server.instance, ":empty": empty, ":key": ids[0], ":identity": job.iam_id };
}

// In `keyhaven console`: two administrators are installed, and thresholds wait for signatures.
async function beginCeremony(one) {
  for (const name of ["ada", "grace"]) {
    await one.make("sigkey", name);
    await one.button(`Install ${name}`).click();
    await one.agree("Send");
    await one.button(`Install ${name}`).waitFor({ state: "hidden" });
  }
  await one.page.getByRole("button", { name: "Sign and propose for 2 units" }).click();
  await one.agree("Sign and propose");
  await one.proposal("Set thresholds and permissions").getByText("2 of 2 signatures").nth(1).waitFor();
  await one.page.locator("button:enabled").filter({ hasText: "Send to the units" }).waitFor();
}

async function showWords(one) {
  await one.make("sigkey", "linus");
  await one.button("Install linus").click();
  await one.dialog().getByTestId("block").first().waitFor();
}

// The same instance for all of them: each goes on where the one before has ended.
const LOCAL = [
  { name: "ceremony-local", act: beginCeremony, options: { viewport: { width: 1280, height: 1400 } } },
  { name: "ceremony-words", act: showWords },
  { name: "ceremony-local-dark", options: { colorScheme: "dark", viewport: { width: 1280, height: 1400 } } },
];

async function shootLocal(browser, server, places, { name, act, options }) {
  const instance = places[":empty"];
  const one = await Administrator.open(browser, Object.create(server, { instance: { value: instance } }), "ada", options);
  await one.toCeremony();
  await act?.(one);
  await one.page.waitForLoadState("networkidle");
  await one.page.screenshot({ path: join(folder, `console-${name}.png`), animations: "disabled", caret: "hide" });
  await one.close();
  console.log(`console-${name}.png`);
}

async function shoot(browser, server, places, { name, path, as, wait, act, options }) {
  const person = await Person.open(browser, server, options);
  const apiKey = as ? await server.do({ do: "service_id", name: as, role: as, instance: places[":instance"] }) : server.apiKey;
  await person.go("/");
  await person.page.locator("#api-key").fill(apiKey);
  await person.page.locator("button[type=submit]").click();
  await person.page.getByRole("heading", { level: 1 }).filter({ hasNotText: "Keyhaven" }).waitFor();
  await person.go(Object.entries(places).reduce((text, [from, to]) => text.replace(from, to), path));
  await person.page.getByRole("heading", { level: 1 }).waitFor();
  if (wait) await person.says(wait);
  await act?.(person);
  // No request on its way, no skeleton left.
  await person.page.waitForLoadState("networkidle");
  await person.page.waitForFunction(() => !document.querySelector(".kh-skeleton, .kh-loading"));
  await person.page.screenshot({ path: join(folder, `console-${name}.png`), animations: "disabled", caret: "hide" });
  await person.close();
  console.log(`console-${name}.png`);
}

const wanted = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const [server, browser] = await Promise.all([Server.start(), startBrowser()]);
try {
  const login = await Person.open(browser, server);
  await login.go("/");
  await login.page.locator("#api-key").waitFor();
  await login.page.screenshot({ path: join(folder, "console-login.png"), caret: "hide" });
  await login.close();
  const places = await furnish(server);
  const isWanted = ({ name }) => wanted.length === 0 || wanted.some((word) => name.startsWith(word));
  for (const page of PAGES.filter(isWanted)) await shoot(browser, server, places, page);
  for (const page of LOCAL.filter(isWanted)) await shootLocal(browser, server, places, page);
} finally {
  await browser.close();
  await server.stop();
}

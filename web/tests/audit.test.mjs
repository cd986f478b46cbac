// The audit log: the check in the page against the document's worked example and against what a real server wrote.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Person, Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

after(unload);

describe("the check of a log, without a browser", () => {
  const document = readFileSync(new URL("../../docs/protocols/audit-log.md", import.meta.url), "utf8");
  const example = document.slice(document.indexOf("## Worked example"));
  const PUBLIC_KEY = /`([0-9a-f]{64})`\. Two records/.exec(example)[1];
  const [wrap, unwrap, create, checkpoint] = example.split("\n").filter((line) => line.startsWith('{"seq":'));
  const file = (name, ...lines) => ({ name, read: async () => new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")) });
  const whole = () => [file("loop-0.00000001.log", wrap, unwrap), file("management.00000001.log", create), file("checkpoint.00000001.log", checkpoint)];

  async function check(files, publicKey = PUBLIC_KEY) {
    const { verifyFiles } = await load("audit/verify.ts");
    const found = await verifyFiles(files, { publicKey, onProgress: () => undefined, signal: new AbortController().signal });
    const names = (findings) => findings.map(({ kind, stream, name, seq }) => [kind, stream ?? name, seq].filter((part) => part !== undefined).join(" "));
    return { ...found, problems: names(found.problems), notes: names(found.notes) };
  }

  test("the worked example holds, and each record is signed", async () => {
    const found = await check(whole());
    assert.deepEqual([found.problems, found.notes, found.checkpoints, found.unsealed], [[], [], 1, 0]);
    assert.deepEqual(found.entries.map(({ stream, isSealed }) => [stream, isSealed]), [["loop-0", true], ["loop-0", true], ["management", true]]);
  });

  test("what was changed, moved, cut or signed by somebody else is found and named", async () => {
    const edited = wrap.replace("iam-ServiceId-1", "iam-ServiceId-2");
    const rows = [
      ["edited", [file("loop-0.00000001.log", edited, unwrap), ...whole().slice(1)], ["edited loop-0 1"]],
      ["first cut out", [file("loop-0.00000001.log", unwrap), ...whole().slice(1)], ["cut loop-0 2"]],
      ["last cut off", [file("loop-0.00000001.log", wrap), ...whole().slice(1)], ["truncated loop-0 2"]],
      ["a stream under another name", [file("loop-1.00000001.log", wrap, unwrap), ...whole().slice(1)], ["unchained loop-1 1", "gone loop-0"]],
      ["a stream that is gone", whole().slice(1), ["gone loop-0"]],
      ["a line that is not a record", [file("loop-0.00000001.log", wrap, "{}", unwrap), ...whole().slice(1)], ["noRecord loop-0 1"]],
      ["a segment that is missing", [file("loop-0.00000001.log", wrap), file("loop-0.00000003.log", unwrap), ...whole().slice(1)], ["missingSegment loop-0"]],
      ["a checkpoint with another signature", [...whole().slice(0, 2), file("checkpoint.00000001.log", checkpoint.replace(/"signature":"e4/, '"signature":"e5'))], ["badSignature checkpoint 1"]],
      ["a checkpoint in the wrong stream", [file("management.00000001.log", create, checkpoint), ...whole().filter(({ name }) => !name.startsWith("management"))], ["cut management 1", "notSigned management 1", "differs management 1"]],
    ];
    for (const [what, files, wanted] of rows) assert.deepEqual((await check(files)).problems, wanted, what);
    assert.deepEqual((await check(whole(), "00".repeat(32))).problems.length, 1);
  });

  test("parts of a log, an unfinished record and foreign files are told and no alarm", async () => {
    const torn = { name: "loop-0.00000001.log", read: async () => new TextEncoder().encode(`${wrap}\n${unwrap}\n{"seq":3`) };
    assert.deepEqual((await check([torn, ...whole().slice(1)])).notes, ["unfinished loop-0"]);
    assert.deepEqual((await check(whole().slice(0, 2))).notes, ["noCheckpoint checkpoint"]);
    assert.equal((await check(whole().slice(0, 2))).unsealed, 3);
    assert.deepEqual((await check([...whole(), file("notes.txt")])).notes, ["unknownFile notes.txt"]);
    const later = await check([file("loop-0.00000002.log", unwrap), ...whole().slice(1)]);
    assert.deepEqual([later.problems, later.notes], [[], ["startsLater loop-0"]]);
  });

  test("filters find by every field that they name", async () => {
    const { matches, readFilters, fieldsOf } = await load("audit/search.ts");
    const event = {
      eventTime: "2026-01-02T03:04:05Z", action: "hs-crypto.secrets.wrap", outcome: "failure", severity: "critical", correlationId: "abc-1",
      initiator: { id: "iam-1", name: "Ada", host: { address: "192.0.2.7" } }, requestData: { instanceID: "guid-1" }, target: { id: "crn:1" },
    };
    const hit = (query) => matches({ record: { event } }, readFilters(new URLSearchParams(query)));
    const rows = [
      ["", true], ["action=WRAP", true], ["action=unwrap", false], ["outcome=failure", true], ["outcome=success", false], ["severity=critical", true],
      ["initiator=ada", true], ["initiator=192.0.2", true], ["initiator=bob", false], ["instance=guid-1", true], ["instance=crn:1", true], ["correlation=abc", true],
      ["from=2026-01-02T03:04Z", true], ["from=2026-01-02T03:05Z", false], ["until=2026-01-02T03:04Z", true], ["until=2026-01-02T03:03Z", false],
    ];
    for (const [query, wanted] of rows) assert.equal(hit(query), wanted, query);
    assert.deepEqual(fieldsOf({ a: { b: 1, c: ["x"] } }), [["a.b", "1"], ["a.c.0", "x"]]);
  });

  test("what the form says is asked of the server: moments in UTC, whole minutes, nothing for empty fields", async () => {
    const { readSearch, searchOf } = await load("audit/search.ts");
    const asked = (query) => searchOf(readSearch(new URLSearchParams(query)));
    assert.deepEqual(asked(""), {});
    assert.deepEqual(asked("action= secrets. &text= a &correlation=c&tab=records"), { action: "secrets.", text: " a ", correlation_id: "c" });
    assert.deepEqual(asked("from=2026-01-02T03:04Z&until=2026-01-02T03:04Z"), { from: "2026-01-02T03:04:00.000Z", to: "2026-01-02T03:05:00.000Z" });
    assert.deepEqual(asked("from=nonsense&outcome=strange"), { outcome: "strange" });
  });

  test("records lead to the pages of what they name, and to nothing else", async () => {
    const { linksOf } = await load("audit/entries.ts");
    const [instance, key] = ["11111111-2222-4333-8444-555555555555", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"];
    const crn = `crn:v1:bluemix:public:hs-crypto:here:a/account:${instance}`;
    const paths = (event) => linksOf(event).map(({ path }) => path);
    const rows = [
      [{}, []],
      [{ requestData: { instanceID: instance } }, [`/instances/${instance}`]],
      [{ target: { id: `${crn}:key:${key}` } }, [`/instances/${instance}/keys/${key}`, `/instances/${instance}`]],
      [{ target: { id: `${crn}::` }, initiator: { id: "iam-Service Id/1" } }, [`/instances/${instance}`, "/access/iam-Service%20Id%2F1"]],
      [{ target: { id: `${crn}:key:../../about` } }, [`/instances/${instance}`]],
      [{ requestData: { instanceID: "javascript:alert(1)" } }, []],
    ];
    for (const [event, wanted] of rows) assert.deepEqual(paths(event), wanted, JSON.stringify(event));
  });
});

describe("the page", () => {
  const HOSTILE = '<img src=x onerror="alert(1)">';
  let server, browser, person, copy, files;
  before(async () => {
    [server, browser] = await Promise.all([Server.start(), startBrowser()]);
    await server.do({ do: "call", method: "POST", path: "/v1/serviceids", body: { name: HOSTILE } });
    await server.call("GET", "/api/v2/keys/00000000-0000-4000-8000-000000000000/metadata", undefined, { "Correlation-Id": "11111111-2222-4333-8444-555555555555" });
    await server.call("POST", "/v1/audit/checkpoint");
    copy = mkdtempSync(join(tmpdir(), "keyhaven-audit-copy-"));
    cpSync(join(server.home, "data/server/audit"), copy, { recursive: true });
    files = readdirSync(copy).filter((name) => name.endsWith(".log")).map((name) => join(copy, name));
    person = await Person.open(browser, server);
    await person.logIn();
  });
  after(async () => {
    await person?.close();
    await browser?.close();
    await server?.stop();
    if (copy) rmSync(copy, { recursive: true });
  });

  const filter = (name) => person.page.getByRole("textbox", { name, exact: true });

  async function open() {
    await person.go("/audit?tab=files");
    await person.page.locator('input[type="file"]:enabled').setInputFiles(files);
    await person.page.getByTestId("audit-verification").waitFor();
  }

  test("the server finds a refusal by its correlation id; details lead to the identity", async () => {
    await person.go("/audit");
    await filter("Correlation ID").fill("11111111-2222-4333-8444-555555555555");
    await person.page.getByRole("button", { name: "Search", exact: true }).click();
    const row = person.page.getByRole("row").filter({ hasText: "hs-crypto.secrets-metadata.read" });
    await row.getByText("Failure").waitFor();
    assert.match(person.page.url(), /correlation=11111111-2222-4333-8444-555555555555/);
    await person.says("The whole log was looked through.");
    await person.isAccessible();
    await row.getByRole("button", { name: "hs-crypto.secrets-metadata.read" }).click();
    const dialog = person.dialog();
    await dialog.getByText("reason.reasonForFailure").waitFor();
    await dialog.getByText("Previous hash").waitFor();
    await dialog.getByRole("link", { name: "Initiator" }).waitFor();
    await dialog.getByRole("link", { name: "Instance", exact: true }).waitFor();
    await person.isAccessible();
    await person.page.keyboard.press("Escape");
    await person.page.getByRole("button", { name: "Clear filters" }).click();
    await person.page.getByRole("row").nth(3).waitFor();
    assert.equal(new URL(person.page.url()).search, "");
  });

  test("a search by keyboard, by a link, and by beginnings of actions", async () => {
    await person.go("/audit?outcome=success&action=iam-*");
    const row = person.page.getByRole("row").filter({ hasText: "hs-crypto.iam-" }).first();
    await row.waitFor();
    // To the second, with the zone; and what proves it is in sight.
    assert.match(await row.locator("time").innerText(), /\d{2}:\d{2}:\d{2} GMT\+9$/);
    await row.getByText(/^(Signed|Not signed)$/).waitFor();
    assert.equal(await person.page.getByRole("row").filter({ hasText: "hs-crypto.audit" }).count(), 0);
    await filter("Action").fill("no.such.action");
    await person.page.keyboard.press("Enter");
    await person.says("No record matches");
    assert.equal(await person.page.locator("main img").count(), 0);
    await person.go("/audit?outcome=strange");
    await person.says("outcome must be one of success failure");
  });

  test("more than a page: further back until the whole log was looked through", async () => {
    for (let call = 0; call < 120; call += 1) await server.call("GET", "/v1/audit/public_key");
    await person.go("/audit?action=audit-log.read&text=public_key");
    await person.says("100 rows");
    await person.says("Looked back to");
    await person.page.getByRole("button", { name: "Look further back" }).click();
    await person.says("The whole log was looked through.");
    assert.ok((await person.page.getByRole("table", { name: "Records" }).getAttribute("aria-rowcount")) > 120);
  });

  test("tells the chains, signs a checkpoint, checks the log, and how it is checked without the server", async () => {
    await person.go("/audit");
    await person.page.getByRole("tab", { name: "Chain" }).click();
    const { body } = await server.call("GET", "/v1/audit/public_key");
    await person.says(`keyhaven audit verify --log /var/lib/keyhaven/server/audit --public-key ${body.public_key}`);
    await person.page.getByRole("cell", { name: "management" }).waitFor();
    await person.isAccessible();
    await person.page.getByRole("button", { name: "Sign a checkpoint now" }).click();
    await person.says("A checkpoint over all streams was signed.");
    await person.says("The log has not been checked since the server started.");
    await person.page.getByRole("button", { name: "Check the whole log now" }).click();
    await person.says("The server found its log whole");
    await person.isAccessible();
  });

  test("a file that was changed behind the server's back is told by the check and by the search", async () => {
    const path = join(server.home, "data/server/audit", "management.00000001.log");
    const whole = readFileSync(path);
    const lines = whole.toString("latin1").split("\n");
    lines[1] = lines[1].replace(/"outcome":"success"/, '"outcome":"failure"');
    const changed = Buffer.from(lines.join("\n"), "latin1");
    assert.equal(changed.length, whole.length);
    writeFileSync(path, changed, { flag: "r+" });
    try {
      await person.go("/audit?tab=chain");
      await person.page.getByRole("button", { name: "Check the whole log now" }).click();
      await person.says("This log does not hold");
      await person.says(/stream management: record 2, .*content and hash differ/);
      await person.isAccessible();
      await person.go("/audit?outcome=failure");
      await person.says("Records do not fit together");
      await person.says(/record 2: content and hash differ/);
      await person.isAccessible();
    } finally {
      writeFileSync(path, whole.subarray(0, changed.length), { flag: "r+" });
    }
  });

  test("the log of a real server holds in the browser, and is searched there", async () => {
    await open();
    await person.says("These records are whole");
    await person.isAccessible();
    await filter("Correlation ID").fill("11111111-2222");
    const row = person.page.getByRole("row").filter({ hasText: "hs-crypto.secrets-metadata.read" });
    await row.getByText("Failure").waitFor();
    assert.match(person.page.url(), /correlation=11111111-2222/);
    await row.getByRole("button", { name: "hs-crypto.secrets-metadata.read" }).click();
    await person.dialog().getByText("requestData.requestURI").waitFor();
    await person.page.keyboard.press("Escape");
    await filter("Action").fill("no such action");
    await person.says("No record matches");
    assert.equal(await person.page.locator("main img").count(), 0);
  });

  test("a key that is not the server's shows that the log is not signed by it", async () => {
    await open();
    await person.page.getByRole("textbox", { name: "Public key of the checkpoints" }).fill("ab");
    await person.says("That is not a key of 64 hexadecimal digits.");
    await person.page.getByRole("textbox", { name: "Public key of the checkpoints" }).fill("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
    await person.page.getByRole("button", { name: "Check again" }).click();
    await person.says("This log does not hold");
    await person.says("the signature does not hold under this key");
  });

  test("who is no administrator is told so", async () => {
    const apiKey = await server.do({ do: "service_id", name: "reader", role: "Reader", instance: server.instance });
    const reader = await Person.open(browser, server);
    await reader.logIn(apiKey, "/audit");
    await reader.says("Needs the role Administrator.");
    await reader.close();
  });

  test("in Korean, dark, at 360 pixels", async () => {
    const small = await Person.open(browser, server, { locale: "ko-KR", colorScheme: "dark", viewport: { width: 360, height: 740 } });
    await small.go("/audit");
    await small.page.getByLabel("API 키").fill(server.apiKey);
    await small.page.getByRole("button", { name: "로그인" }).click();
    await small.page.getByRole("heading", { level: 1, name: "감사" }).waitFor();
    for (const [tab, ready] of [["", "전체 로그를 확인했습니다."], ["chain", "서버의 확인"], ["files", "로그 파일 열기"]]) {
      await small.go(`/audit?action=iam-*&tab=${tab}`);
      await small.says(ready);
      await small.isAccessible();
      assert.ok(await small.page.evaluate(() => document.documentElement.scrollWidth <= 360), tab);
    }
    await small.close();
  });
});

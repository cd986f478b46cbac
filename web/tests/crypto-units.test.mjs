// What the pages about crypto units show, in both modes; and the rules of the plan, without a browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Administrator } from "./administrators.mjs";
import { Person, Server, startBrowser } from "./harness.mjs";
import { load, unload } from "./modules.mjs";

const tke = await load("tke/index.ts");
const { differs, planOf, takersOf, usual } = await load("crypto-units/facts.ts");
after(unload);

describe("the plan of a ceremony", () => {
  const key = (value) => (value ? new Uint8Array(32).fill(value) : null);
  // Unit: administrators, threshold, current key, new key, whether that is committed.
  const unit = (administrators, threshold, current = 0, pending = 0, committed = false) => ({
    unit: { hsm_id: `${Math.random()}` },
    administrators: Array.from({ length: administrators }, (_, index) => ({ name: `a${index}`, ski: new Uint8Array(32).fill(index + 1) })),
    attributes: { ...tke.NO_ATTRIBUTES, signatureThreshold: threshold, revocationThreshold: threshold },
    current: key(current),
    pending: key(pending),
    pendingCommitted: committed,
    controlPoints: new Uint8Array(16),
  });
  const now = (all, resealed) => planOf(all, resealed).steps.find(({ state }) => state === "now")?.name;

  for (const [what, all, step, takers, resealed] of [
    ["fresh", [unit(0, 0), unit(0, 0)], "administrators", 2],
    ["one administrator in one unit", [unit(1, 0), unit(0, 0)], "administrators", 2],
    ["administrators everywhere", [unit(2, 0), unit(2, 0)], "thresholds", 2],
    ["one unit has left imprint mode", [unit(2, 2), unit(2, 0)], "thresholds", 2],
    ["configured", [unit(2, 2), unit(2, 2)], "load", 2],
    ["loaded in one", [unit(2, 2, 0, 7), unit(2, 2)], "load", 1],
    ["loaded in both", [unit(2, 2, 0, 7), unit(2, 2, 0, 7)], "commit", 0],
    ["committed in one", [unit(2, 2, 0, 7, true), unit(2, 2, 0, 7)], "commit", 0],
    ["committed", [unit(2, 2, 0, 7, true), unit(2, 2, 0, 7, true)], "activate", 0],
    ["activated in one", [unit(2, 2, 7), unit(2, 2, 0, 7, true)], "activate", 0],
    ["complete", [unit(2, 2, 7), unit(2, 2, 7)], undefined, 2],
    ["a unit more", [unit(2, 2, 7), unit(2, 2)], "load", 1],
    ["a rotation's key in one", [unit(2, 2, 7, 8), unit(2, 2, 7)], "load", 1],
    ["a rotation's key committed", [unit(2, 2, 7, 8, true), unit(2, 2, 7, 8, true)], "reseal", 0, false],
    ["stored keys sealed anew", [unit(2, 2, 7, 8, true), unit(2, 2, 7, 8, true)], "activate", 0, true],
    ["one unit has switched", [unit(2, 2, 8), unit(2, 2, 7, 8, true)], "activate", 0, true],
  ]) {
    test(what, () => {
      assert.equal(now(all, resealed), step);
      assert.equal(takersOf(all).length, takers);
      assert.equal(planOf(all).conflict, false);
    });
  }

  test("different keys are a conflict, and never complete", () => {
    for (const all of [[unit(2, 2, 7), unit(2, 2, 8)], [unit(2, 2, 0, 7), unit(2, 2, 0, 8)], [unit(2, 2, 7, 8), unit(2, 2, 7, 9)]]) {
      assert.deepEqual([planOf(all).conflict, planOf(all).complete], [true, false]);
    }
    assert.equal(planOf([]).complete, false);
  });

  test("a unit that is not as the others is named", () => {
    const all = [unit(2, 2, 7), unit(2, 2, 7), unit(3, 2, 7)];
    assert.deepEqual(["administrators", "thresholds", "current"].map((aspect) => differs(all, aspect)), [true, false, false]);
    assert.equal(usual(all, "administrators").split(" ").length, 2);
  });

  test("permissions are compared among units of one type", () => {
    const typed = (type, permissions) => ({ ...unit(2, 2, 7), unit: { type }, attributes: { ...tke.NO_ATTRIBUTES, permissions } });
    assert.equal(differs([typed("operational", 1), typed("operational", 1), typed("recovery", 3)], "permissions"), false);
    assert.equal(differs([typed("operational", 1), typed("operational", 3), typed("recovery", 3)], "permissions"), true);
  });
});

describe("the pages", () => {
  let server, browser, person, local, skewed;
  before(async () => {
    [server, browser] = await Promise.all([Server.start(), startBrowser()]);
    skewed = await server.do({ do: "instance", name: "skewed", initialise: false });
    person = await Person.open(browser, server);
    await person.logIn();
    local = await Administrator.open(browser, server, "reader");
  });
  after(async () => {
    await person?.close();
    await local?.close();
    await browser?.close();
    await server?.stop();
  });
  const go = (who, tab, instance = server.instance) => who.go(`/instances/${instance}/crypto-units${tab ? `?tab=${tab}` : ""}`);
  const unitsOf = async (instance) => (await server.call("GET", `/v1/tke/${instance}/hsms`)).body.hsms;

  // Installs an administrator in one unit of the skewed instance only.
  async function skew() {
    const root = await tke.attestationRoot((await server.call("GET", "/v1/tke/attestation_root")).body);
    const [unit] = await unitsOf(skewed);
    const transport = async (request) => (await server.call("POST", `/v1/tke/${skewed}/hsms/${unit.hsm_id}`, { request })).body.response;
    const session = await tke.UnitSession.open(transport, tke.targetOf(unit.location, unit.serial_number), root);
    const { opened } = await tke.newSignatureKey("<b>Zoë</b>", "a long password");
    const block = tke.makeBlock(await session.moment(), session.target.domainIndex, tke.COMMAND.addAdministrator, await tke.makeCertificate(opened.name, opened));
    await session.run(block, tke.EMPTY);
  }

  test("each unit with its registers, administrators and thresholds, and what the page can prove", async () => {
    await go(person);
    const [unit] = await unitsOf(server.instance);
    await person.page.getByRole("heading", { name: `Operational unit ${unit.location}` }).waitFor();
    const text = await person.page.getByRole("tabpanel").filter({ visible: true }).innerText();
    assert.match(text, /Valid\s+Verification pattern\s+[0-9a-f]{64}[\s\S]*Administrators[\s\S]*for commands[\s\S]*Sealing of the units' state/);
    await person.says("A page that the server delivered cannot prove anything against the server");
    await person.isAccessible();
    await go(local.person);
    await local.person.says("verified in this page up to the attestation root that you pinned");
    await local.page.getByRole("heading", { name: `Operational unit ${unit.location}` }).waitFor();
    await local.person.isAccessible();
  });

  test("units that differ are marked, with the name of a hostile administrator as text", async () => {
    await go(person, "compare");
    await person.says("All 2 units agree in what is listed below.");
    await skew();
    await go(person, "compare", skewed);
    await person.says("The units differ in 1 respect.");
    const row = person.page.getByRole("row").filter({ has: person.page.getByRole("rowheader", { name: "Administrators" }) });
    assert.equal(await row.getByText("Differs").count(), 1);
    await row.getByText('"<b>Zo??</b>" (not plain ASCII; bytes 3c623e5a6fc3ab3c2f623e)').waitFor();
    await person.isAccessible();
  });

  test("the ceremony's progress, and no signing in a page of the server", async () => {
    await go(person, "progress", skewed);
    assert.match(await person.page.getByTestId("plan").innerText(), /Next\s+Install the administrators \(1 of 2 units\)/);
    await person.says("Signing is offered by keyhaven console only");
    await person.go(`/instances/${skewed}/ceremony`);
    await person.says("Signing is offered by keyhaven console only");
    await person.page.getByText(`keyhaven tke init --instance ${skewed}`).waitFor();
    for (const name of [/signature key/, /key part/, /^Sign/]) assert.equal(await person.page.getByRole("button", { name }).count(), 0);
    assert.equal(await person.page.locator("input[type=file]").count(), 0);
    await person.isAccessible();
  });

  test("the transcript says what is verified and what is not; a forged entry is named", async () => {
    await go(local.person, "transcript");
    await local.page.getByTestId("transcript").waitFor();
    const text = await local.page.getByTestId("transcript").innerText();
    assert.match(text, /Set the new master key immediate[\s\S]*Carried out\s+Chain verified\s+Unit's signature verified/);
    // Both key parts of an import are signed, each by somebody else.
    assert.match(text, /Load key parts[\s\S]{0,120}Unit's signature verified(\s+\S+: verified){2}/);
    assert.ok(!/broken|false/.test(text), text);
    await local.page.getByRole("button", { name: "Check the whole transcript" }).click();
    const check = local.page.getByTestId("transcript-check");
    await check.getByText(/^\d+ entries hold and lead to the state of the 2 crypto units$/).waitFor();
    const newest = await check.locator("code").first().innerText();
    await local.person.isAccessible();
    // What an earlier check named must still be so.
    await local.page.getByLabel("Newest hash of an earlier check").fill(`${newest.split(":")[0]}:${"0".repeat(64)}`);
    await local.page.getByRole("button", { name: "Check the whole transcript" }).click();
    await check.getByText("its hash is not the one that was kept").waitFor();
    await local.page.route("**/transcript?*", async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      if (body.entries.length > 2) body.entries[1].caller = "somebody else";
      return route.fulfill({ response: answer, json: body });
    });
    await local.page.reload();
    await local.person.says("1 entry does not verify");
    await local.page.getByRole("button", { name: "Check the whole transcript" }).click();
    await local.page.getByTestId("transcript-check").getByText("the hash is not that of the entry's fields").waitFor();
    assert.equal(await local.page.getByTestId("transcript-check").getAttribute("data-ok"), "false");
    await local.page.unroute("**/transcript?*");
  });

  test("without a pinned root nothing is believed, and the page says how to pin one", async () => {
    const careless = await Administrator.open(browser, server, "careless", { pinned: false });
    for (const page of ["crypto-units", "ceremony"]) {
      await careless.person.go(`/instances/${server.instance}/${page}`);
      await careless.person.says(/no attestation root is pinned/i);
      assert.equal(await careless.page.getByRole("button", { name: /signature key/ }).count(), 0);
    }
    await careless.person.isAccessible();
    await careless.close();
  });

  test("the rotation is looked at again less and less often, and not at all while the page is hidden", async () => {
    const { page } = local;
    await page.clock.install();
    let asked = 0;
    page.on("request", (request) => (asked += request.url().endsWith("/rotation") ? 1 : 0));
    await go(local.person, "rotation");
    await page.getByTestId("rotation-phase").waitFor();
    await local.person.isAccessible();
    const within = async (seconds) => {
      const from = asked;
      // Second by second, so that the page draws and asks in between.
      for (let second = 0; second < seconds; second += 1) await page.clock.runFor(1000);
      return asked - from;
    };
    const [early, late] = [await within(20), (await within(120), await within(20))];
    assert.ok(early >= 3 && late <= 2, `${early} and ${late}`);
    await page.evaluate(() => Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true }));
    assert.equal(await within(90), 0);
  });

  test("Korean, and 360 pixels: no page is wider than the screen", async () => {
    await person.page.setViewportSize({ width: 360, height: 740 });
    for (const tab of ["", "compare", "progress", "proposals", "rotation", "transcript"]) {
      await go(person, tab);
      await person.page.getByRole("tabpanel").filter({ visible: true }).locator("p, dl, ol").first().waitFor();
      const wide = await person.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${tab}: ${wide} pixels too wide`);
    }
    await person.page.getByRole("button", { name: "Account and preferences" }).click();
    await person.page.getByLabel("Language").selectOption({ label: "한국어" });
    await person.page.getByRole("heading", { name: "암호화 유닛", level: 1 }).waitFor();
    await go(person, "transcript");
    await person.says("유닛 서명 검증됨");
    await person.isAccessible();
  });
});

// Administrators of a ceremony: each with an API key, a `keyhaven console` and a browser context of their own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Person } from "./harness.mjs";

const dist = resolve(dirname(dirname(fileURLToPath(import.meta.url))), process.env.KH_WEB_DIST ?? "dist");
export const PASSWORD = "correct horse battery staple";

// Tests of which each goes on where the one before has ended: after a failure the others fail at once. With KH_SHOT a folder,
// pictures of the administrators' pages at the failure are written there.
export function series(people) {
  let broken = null;
  return (name, work) =>
    test(name, async () => {
      if (broken) throw new Error(`not tried after "${broken}"`);
      try {
        await work();
      } catch (error) {
        broken = name;
        if (process.env.KH_SHOT) for (const one of people()) await one.page.screenshot({ path: join(process.env.KH_SHOT, `${one.name}.png`), fullPage: true });
        throw error;
      }
    });
}

export class Console {
  // Starts `keyhaven console` for a caller, with the server's root pinned, none, or that of a file; `start` is the address that it prints.
  static async start(server, apiKey, pinned = true) {
    const console = new Console();
    console.home = mkdtempSync(join(tmpdir(), "keyhaven-console-"));
    const file = (name, text) => {
      writeFileSync(join(console.home, name), text, { mode: 0o600 });
      return join(console.home, name);
    };
    const { ski, x, y } = (await server.call("GET", "/v1/tke/attestation_root")).body;
    const root = file("root", `SKI: ${ski}\nX: ${x}\nY: ${y}\n`);
    console.child = spawn(join(server.bin, "keyhaven"), ["console", ...(pinned ? ["--attestation-root", pinned === true ? root : pinned] : []), "--web-dir", dist], {
      env: { ...process.env, KH_URL: server.url, KH_CA: server.ca, KH_API_KEY_FILE: file("api-key", apiKey), HOME: console.home, XDG_CONFIG_HOME: console.home, CLOUDTKEFILES: console.home },
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: console.child.stdout })) {
      const found = /http:\/\/\S+#start=\S+/.exec(line);
      if (!found) continue;
      console.start = found[0];
      console.url = new URL(found[0]).origin;
      return console;
    }
    throw new Error("keyhaven console has ended");
  }

  async stop() {
    if (this.child.exitCode === null) {
      this.child.kill("SIGINT");
      await new Promise((resolve) => this.child.once("exit", resolve));
    }
    rmSync(this.home, { recursive: true, force: true });
  }
}

export class Administrator {
  static async open(browser, server, name, { pinned, ...options } = {}) {
    const one = new Administrator();
    one.name = name;
    one.console = await Console.start(server, await server.do({ do: "service_id", name, role: "Manager", instance: server.instance }), pinned);
    one.person = await Person.open(browser, one.console, { acceptDownloads: true, ...options });
    one.page = one.person.page;
    one.instance = server.instance;
    await one.page.goto(one.console.start);
    await one.page.getByRole("button", { name: "Account and preferences" }).waitFor();
    return one;
  }

  async toCeremony(instance = this.instance) {
    await this.person.go(`/instances/${instance}/ceremony`);
    await this.page.getByTestId("plan").waitFor();
  }

  button = (name) => this.page.getByRole("button", { name, exact: true });
  dialog = () => this.person.dialog();

  // Does `work`, which makes the page offer a file, and returns the file's path.
  async downloaded(work) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), work()]);
    return download.path();
  }

  // A new key or key part, made by the page; returns the path of the file that it saved.
  async make(kind, name, password = PASSWORD) {
    await this.button(kind === "sigkey" ? "Make a signature key" : "Make a key part").click();
    const dialog = this.dialog();
    await dialog.getByLabel(kind === "sigkey" ? "Administrator name" : "Description of the key part").fill(name);
    await dialog.getByLabel("Password of the file").fill(password);
    await dialog.getByLabel("The password again").fill(password);
    const path = await this.downloaded(() => dialog.getByRole("button", { name: "Make and download" }).click());
    await dialog.waitFor({ state: "hidden" });
    return path;
  }

  async openFile(kind, path, password = PASSWORD) {
    await this.button(kind === "sigkey" ? "Open a signature key" : "Open a key part").click();
    const dialog = this.dialog();
    await dialog.locator("input[type=file]").setInputFiles(path);
    await dialog.getByLabel("Password of the file").fill(password);
    await dialog.getByRole("button", { name: "Open", exact: true }).click();
    return dialog;
  }

  // Reads what the dialog shows and agrees. Returns the words.
  async agree(label) {
    const dialog = this.dialog();
    await dialog.getByTestId("block").first().waitFor();
    const words = await dialog.innerText();
    await dialog.getByText(/^I have read/).click();
    await dialog.getByRole("button", { name: label, exact: true }).click();
    // The next question may be there already.
    await dialog.filter({ hasText: /[0-9a-f]{128}/.exec(words)[0] }).waitFor({ state: "hidden" });
    return words;
  }

  proposal = (name) => this.page.getByTestId("proposal").filter({ has: this.page.getByRole("heading", { name }) });

  // `units`: of how many the command is. A look while it is proposed shows fewer, and only those would be signed.
  async sign(name, units) {
    if (units) await this.proposal(name).getByText(`${units} units`, { exact: true }).waitFor({ timeout: 40000 });
    await this.proposal(name).getByRole("button", { name: "Read and sign" }).click({ timeout: 40000 });
    return this.agree("Sign");
  }

  async send(name) {
    await this.proposal(name).getByRole("button", { name: "Send to the units" }).click();
    await this.proposal(name).waitFor({ state: "hidden" });
  }

  // Two administrators at this machine, thresholds of 1, importer keys made: key parts can be sealed. Returns the files of the
  // signature keys.
  async begin() {
    const files = [];
    for (const name of ["ada", "grace"]) {
      files.push(await this.make("sigkey", name));
      await this.button(`Install ${name}`).click();
      await this.agree("Send");
      await this.button(`Install ${name}`).waitFor({ state: "hidden" });
    }
    for (const label of ["Signature threshold", "Revocation threshold"]) await this.page.getByRole("spinbutton", { name: label }).fill("1");
    await this.page.getByRole("button", { name: "Sign and propose for 2 units" }).click();
    await this.agree("Sign and propose");
    await this.proposal("Set thresholds and permissions").getByText("1 of 1 signature").first().waitFor();
    await this.send("Set thresholds and permissions");
    await this.button("Make importer keys").click();
    await this.agree("Sign and send");
    return files;
  }

  async pattern() {
    return this.page.getByTestId("new-pattern").locator("code").innerText();
  }

  async close() {
    await this.person.close();
    await this.console.stop();
  }
}

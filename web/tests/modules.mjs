// Modules of the console in this process, for tests that need no browser: Vite translates them as it does for the page.
import { webcrypto } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

// Browsers have it, and Node from 20 on.
globalThis.crypto ??= webcrypto;

let server;

export async function load(path) {
  server ??= await createServer({
    root: dirname(dirname(fileURLToPath(import.meta.url))),
    configFile: false,
    appType: "custom",
    logLevel: "error",
    server: { middlewareMode: true, hmr: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  });
  return server.ssrLoadModule(`/src/${path}`);
}

export const unload = () => server?.close();

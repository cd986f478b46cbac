import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` takes what is not the app from a running server: KH_URL=https://127.0.0.1:8443 KH_CA=ca.pem npm run dev
const upstream = {
  target: process.env.KH_URL ?? "https://127.0.0.1:8443",
  changeOrigin: true,
  // The cookie of the session is __Host-, which browsers also take from http://localhost.
  headers: { origin: process.env.KH_URL ?? "https://127.0.0.1:8443" },
  secure: true,
  ...(process.env.KH_CA ? { ssl: undefined, agent: undefined, ca: readFileSync(process.env.KH_CA, "utf8") } : {}),
};

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  css: {
    // Carbon's own Sass still uses forms that newer compilers deprecate.
    preprocessorOptions: { scss: { quietDeps: true, silenceDeprecations: ["import", "global-builtin", "if-function"] } },
  },
  build: {
    target: "es2022",
    // Several people may build beside each other.
    outDir: process.env.KH_WEB_DIST ?? "dist",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // Nothing is inlined: the policy of the server allows no data: URLs but images, and no inline script.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
    manifest: true,
    rollupOptions: {
      output: {
        manualChunks: (id) => (/node_modules\/(react|react-dom|scheduler)\//.test(id) ? "react" : undefined),
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      "/api": upstream,
      "/v1": upstream,
      "/v2": upstream,
      "/crypto_v2": upstream,
      "/identity": upstream,
      "/metrics": upstream,
      "/readyz": upstream,
      "/console/environment.json": upstream,
      "/local": upstream,
    },
  },
});

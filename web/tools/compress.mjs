// After the build: a .br and a .gz beside each text file, and the sizes of the first load, which has a limit.
import { readFileSync, readdirSync, statSync, writeFileSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const LIMIT_BYTES = 250 * 1000;
const dist = resolve(dirname(dirname(fileURLToPath(import.meta.url))), process.env.KH_WEB_DIST ?? "dist");

const files = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });

const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));
rmSync(join(dist, ".vite"), { recursive: true });

// What a browser gets: gzip for everybody, brotli for those that take it. Fonts are compressed already.
const sizes = new Map();
for (const path of files(dist).filter((name) => !/\.(br|gz)$/.test(name))) {
  const name = relative(dist, path);
  const bytes = readFileSync(path);
  if (!/\.(html|js|css|svg|json|webmanifest|txt)$/.test(path)) {
    sizes.set(name, { raw: bytes.length, gz: bytes.length, br: bytes.length });
    continue;
  }
  const gz = gzipSync(bytes, { level: 9 });
  const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  writeFileSync(`${path}.gz`, gz);
  writeFileSync(`${path}.br`, br);
  sizes.set(name, { raw: bytes.length, gz: gz.length, br: br.length });
}

// Everything that an entry needs before it can run: its static imports and their styles.
function needs(entry, seen = new Set()) {
  const chunk = manifest[entry];
  if (!chunk || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const style of chunk.css ?? []) seen.add(style);
  for (const name of chunk.imports ?? []) needs(name, seen);
  return seen;
}

const total = (names) =>
  [...names].reduce((sum, name) => ({ gz: sum.gz + (sizes.get(name)?.gz ?? 0), br: sum.br + (sizes.get(name)?.br ?? 0) }), { gz: 0, br: 0 });
const kb = (bytes) => `${(bytes / 1000).toFixed(1).padStart(7)} kB`;
const line = (what, size) => console.log(`${what.padEnd(44)} ${kb(size.gz)} gzip ${kb(size.br)} brotli`);

const first = needs("index.html");
first.add("index.html");
// Two font files are needed to draw the first page: regular and semi-bold Latin.
for (const name of sizes.keys()) if (/IBMPlexSans-(Regular|SemiBold)-Latin1.*\.woff2$/.test(name)) first.add(name);
for (const name of first) line(`  ${name}`, sizes.get(name));
const load = total(first);
line("first load", load);
const later = Object.keys(manifest).filter((name) => manifest[name].isDynamicEntry);
const more = (names) => total(names.flatMap((name) => [...needs(name)].filter((file) => !first.has(file))));
// Beside its code a page loads the texts of its areas in one language.
for (const name of later.filter((name) => !name.startsWith("src/i18n/"))) line(`  + ${name.replace(/^src\//, "")}`, more([name]));
for (const language of ["en", "ko"]) line(`  + all texts of ${language}`, more(later.filter((name) => name.startsWith(`src/i18n/${language}`))));
if (load.gz > LIMIT_BYTES) {
  console.error(`first load: ${load.gz} bytes are more than ${LIMIT_BYTES}`);
  process.exitCode = 1;
}

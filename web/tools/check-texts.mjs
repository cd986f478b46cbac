// What the types cannot say of the texts: that each one is used, that each placeholder is in every language, that no page
// has words of its own, that each reason code has words, and that a page loads the areas of the texts it uses.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const src = join(dirname(dirname(fileURLToPath(import.meta.url))), "src");
const files = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });

const wrong = [];

// Key -> its text and the file it is in, which is its area.
function catalogue(language) {
  const all = new Map();
  for (const path of files(join(src, "i18n", language))) {
    for (const [, key, text] of readFileSync(path, "utf8").matchAll(/^ {2}"([^"]+)":\s*(?:\n\s*)?"((?:[^"\\]|\\.)*)"/gm)) {
      if (all.has(key)) wrong.push(`${language}: ${key} is in ${all.get(key).area} and in ${basename(path, ".ts")}`);
      all.set(key, { text, area: basename(path, ".ts") });
    }
  }
  return all;
}

const sources = files(src).filter((path) => /\.tsx?$/.test(path) && !path.includes("/i18n/e") && !path.includes("/i18n/ko") && !path.endsWith("schema.d.ts"));
const code = sources.map((path) => readFileSync(path, "utf8")).join("\n");
// `state.${state}` and the like: every key that begins so is used.
const prefixesOf = (text) => [...text.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map((found) => found[1]);
const prefixes = prefixesOf(code);

// Words that any page may come to need.
const SHARED = ["nav.", "action.", "common."];

const english = catalogue("en");
// A word chosen by a count, "{count|unit|units}", is each language's own matter.
const placeholders = (text) => [...(text ?? "").matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort().join(" ");
for (const language of readdirSync(join(src, "i18n")).filter((name) => statSync(join(src, "i18n", name)).isDirectory() && name !== "en")) {
  const texts = catalogue(language);
  for (const [key, { text }] of english) if (placeholders(text) !== placeholders(texts.get(key)?.text)) wrong.push(`${language}: ${key} has other placeholders than English`);
}
for (const key of english.keys()) {
  if (!code.includes(`"${key}"`) && ![...prefixes, ...SHARED].some((prefix) => key.startsWith(prefix))) wrong.push(`en: ${key} is not used`);
}
for (const path of sources.filter((name) => name.endsWith(".tsx"))) {
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (/<[a-zA-Z][^<>]*>\s*[A-Za-z][A-Za-z ,.]{3,}<\//.test(line)) wrong.push(`${relative(src, path)}:${index + 1}: words beside the catalogue`);
    // Carbon's own words in them are English; ours are in components/.
    const raw = path.includes("/components/") ? null : /<(InlineNotification|NumberInput)\b/.exec(line);
    if (raw) wrong.push(`${relative(src, path)}:${index + 1}: ${raw[1]} is to be ${raw[1] === "NumberInput" ? "NumberField" : "InlineNotice"} of components/`);
  }
}

// Each reason code that the server has (docs/errors.md) has its words.
const reasons = readFileSync(join(src, "../../docs/errors.md"), "utf8");
for (const [, code] of reasons.matchAll(/^\| \w+ \| \d+ \| `(\w+)`/gm)) if (!english.has(`reason.${code}`)) wrong.push(`en: reason.${code} is missing`);

// Every module that `path` draws in, itself included; the table of routes leads to pages, which stand for themselves.
const routes = join(src, "shell/routes.ts");
function modules(path, seen = new Set()) {
  if (seen.has(path) || path.includes("/i18n/")) return seen;
  seen.add(path);
  const pattern = path === routes ? /from "(\.[^"]+)"/g : /(?:from |import\()"(\.[^"]+)"/g;
  for (const [, name] of readFileSync(path, "utf8").matchAll(pattern)) {
    const file = [".ts", ".tsx", "/index.ts", "/index.tsx"].map((end) => join(dirname(path), name) + end).find(existsSync);
    if (file) modules(file, seen);
  }
  return seen;
}

// Area -> a text of it that these modules use, as an example.
function areasUsedBy(path) {
  const text = [...modules(path)].map((file) => readFileSync(file, "utf8")).join("\n");
  const begins = prefixesOf(text);
  const used = new Map();
  for (const [key, { area }] of english) if (text.includes(`"${key}"`) || begins.some((prefix) => key.startsWith(prefix))) used.set(area, key);
  return used;
}

const base = [...readFileSync(join(src, "i18n/en.ts"), "utf8").matchAll(/from "\.\/en\/([^"]+)"/g)].map((found) => found[1]);
// A component that loads an area by itself.
const own = [...code.matchAll(/useTextsIfAny\("([^"]+)"\)/g)].map((found) => found[1]);
const checkAreas = (what, path, named) => {
  const used = areasUsedBy(path);
  for (const [area, key] of used) if (!base.includes(area) && !own.includes(area) && !named.includes(area)) wrong.push(`${what}: ${key} is of the area "${area}", which is not loaded with it`);
  for (const area of named) if (!used.has(area)) wrong.push(`${what}: uses no text of the area "${area}"`);
};
checkAreas("first load", join(src, "main.tsx"), []);
let pages = 0;
for (const [, named, path] of readFileSync(routes, "utf8").matchAll(/page\(\[([^\]]*)\],\s*\(\) => import\("([^"]+)"\)\)/g)) {
  checkAreas(basename(path), join(dirname(routes), `${path}.tsx`), [...named.matchAll(/"([^"]+)"/g)].map((found) => found[1]));
  pages += 1;
}

for (const line of wrong) console.error(line);
console.log(`texts: ${wrong.length ? `${wrong.length} wrong` : `ok (${english.size} keys, ${pages} pages)`}`);
process.exitCode = wrong.length ? 1 : 0;

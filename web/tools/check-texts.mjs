// What the types cannot say of the texts: that each one is used, that each placeholder is in every language, and that no
// page has words of its own.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const src = join(dirname(dirname(fileURLToPath(import.meta.url))), "src");
const files = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });

const catalogue = (language) =>
  new Map(
    files(join(src, "i18n", language)).flatMap((path) =>
      [...readFileSync(path, "utf8").matchAll(/^ {2}"([^"]+)":\s*(?:\n\s*)?"((?:[^"\\]|\\.)*)"/gm)].map((found) => [found[1], found[2]]),
    ),
  );

const wrong = [];
const sources = files(src).filter((path) => /\.tsx?$/.test(path) && !path.includes("/i18n/e") && !path.includes("/i18n/ko") && !path.endsWith("schema.d.ts"));
const code = sources.map((path) => readFileSync(path, "utf8")).join("\n");
// `state.${state}` and the like: every key that begins so is used.
const prefixes = [...code.matchAll(/`([a-zA-Z.]+\.)\$\{/g)].map((found) => found[1]);

// Words that any page may come to need.
const SHARED = ["nav.", "action.", "common."];

const english = catalogue("en");
const placeholders = (text) => [...(text ?? "").matchAll(/\{\w+\}/g)].map((found) => found[0]).sort().join(" ");
for (const language of readdirSync(join(src, "i18n")).filter((name) => statSync(join(src, "i18n", name)).isDirectory() && name !== "en")) {
  const texts = catalogue(language);
  for (const [key, text] of english) if (placeholders(text) !== placeholders(texts.get(key))) wrong.push(`${language}: ${key} has other placeholders than English`);
}
for (const key of english.keys()) {
  if (!code.includes(`"${key}"`) && ![...prefixes, ...SHARED].some((prefix) => key.startsWith(prefix))) wrong.push(`en: ${key} is not used`);
}
for (const path of sources.filter((name) => name.endsWith(".tsx"))) {
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (/<[a-zA-Z][^<>]*>\s*[A-Za-z][A-Za-z ,.]{3,}<\//.test(line)) wrong.push(`${relative(src, path)}:${index + 1}: words beside the catalogue`);
  }
}
for (const line of wrong) console.error(line);
console.log(`texts: ${wrong.length ? `${wrong.length} wrong` : `ok (${english.size} keys)`}`);
process.exitCode = wrong.length ? 1 : 0;

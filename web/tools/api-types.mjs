// The types of the API, src/api/schema.d.ts, from the OpenAPI document in ../api.
//   node tools/api-types.mjs           writes them
//   node tools/api-types.mjs --check   fails when they are not current
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

// Errors have one shape (api.ts), headers are set in one place: without them the types are a tenth as long.
function slim(document) {
  for (const item of Object.values(document.paths)) {
    if (item.parameters) item.parameters = item.parameters.filter(isNoHeader);
    for (const operation of Object.values(item)) {
      if (!operation.responses) continue;
      operation.parameters = operation.parameters?.filter(isNoHeader);
      delete operation.description;
      operation.responses = Object.fromEntries(Object.entries(operation.responses).filter(([status]) => status < "300"));
      for (const response of Object.values(operation.responses)) delete response.headers;
    }
  }
  return document;

  function isNoHeader(parameter) {
    const name = parameter.$ref?.split("/").at(-1);
    return (name ? document.components.parameters[name] : parameter).in !== "header";
  }
}

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(web, "src/api/schema.d.ts");
const folder = mkdtempSync(join(tmpdir(), "keyhaven-api-"));
try {
  execFileSync("python3", [join(web, "../tools/api_docs.py"), "--output", folder], { stdio: ["ignore", "ignore", "inherit"] });
  const document = JSON.parse(readFileSync(join(folder, "keyhaven.openapi.json"), "utf8"));
  const types = astToString(await openapiTS(slim(document), { defaultNonNullable: false }));
  const text = `// Generated from ../api by \`npm run types\`. Do not edit.\n${types}`;
  if (!process.argv.includes("--check")) {
    writeFileSync(target, text);
    console.log("types: src/api/schema.d.ts written");
  } else if (readFileSync(target, "utf8") !== text) {
    console.error("types: src/api/schema.d.ts is not what api/ says; run npm run types");
    process.exitCode = 1;
  } else {
    console.log("types: current");
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

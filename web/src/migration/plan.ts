// What a plan says, for its summary. The text itself stands beside it and is what counts.
import type { Side } from "../api/migration";
import { readYaml, Unreadable, type Node } from "./yaml";

export const ACTIONS = ["import", "generate", "copy", "existing", "report", "blocked"] as const;
export type Action = (typeof ACTIONS)[number];

export interface PlannedKey {
  source: string;
  name: string;
  kind: "root" | "standard";
  action: Action;
  // Why, and which lines to change.
  blocked: string;
  // What is not carried, in the tool's words.
  lost: string[];
  imported: boolean;
  versions: number;
  // How many versions of the material its owner supplies.
  materialVersions: number;
  aliases: string[];
  ring: string;
  deks: number;
  // Existing: the key of the target that takes over.
  target: string;
  // Where its DEKs go instead; empty: under its own copy.
  dekTarget: string;
  registrations: number;
  dualAuth: boolean;
}

export interface Plan {
  id: string;
  made: string;
  source: Side;
  target: Side;
  rotationSeconds: number;
  rings: string[];
  // Types of the instance policies that cutover sets.
  policies: string[];
  // Of applications, wrapped anew in place.
  tables: string[];
  lost: string[];
  // Named by inventory or material, and no keys of the source.
  unknown: string[];
  keys: PlannedKey[];
}

// Null: written in a form that this page does not read.
export function readPlan(text: string): Plan | null {
  try {
    return planOf(mapOf(readYaml(text)));
  } catch (error) {
    // RangeError: nested deeper than any plan.
    if (error instanceof Unreadable || error instanceof RangeError) return null;
    throw error;
  }
}

type Members = { [name: string]: Node };
const other = () => new Unreadable(0);

function mapOf(node: Node | undefined): Members {
  if (node === undefined || typeof node === "string" || Array.isArray(node)) throw other();
  return node;
}

function listOf(node: Node | undefined): Node[] {
  if (node === undefined || node === "") return [];
  if (!Array.isArray(node)) throw other();
  return node;
}

function textOf(node: Node | undefined): string {
  if (node === undefined) return "";
  if (typeof node !== "string") throw other();
  return node;
}

function numberOf(node: Node | undefined, absent = 0): number {
  const text = textOf(node);
  if (text === "") return absent;
  if (!/^\d{1,15}$/.test(text)) throw other();
  return Number(text);
}

const textsOf = (node: Node | undefined) => listOf(node).map(textOf);
const isTrue = (node: Node | undefined) => ["true", "yes", "on"].includes(textOf(node).toLowerCase());
const sideOf = (node: Node | undefined): Side => ({ url: textOf(mapOf(node).url), instance: textOf(mapOf(node).instance) });

function planOf(plan: Members): Plan {
  if (textOf(plan.format) !== "1") throw other();
  return {
    id: textOf(plan.plan),
    made: textOf(plan.made),
    source: sideOf(plan.source),
    target: sideOf(plan.target),
    rotationSeconds: numberOf(plan.rotation_seconds, 3600),
    rings: textsOf(plan.key_rings),
    policies: listOf(plan.instance_policies).map((one) => textOf(mapOf(one).type)),
    tables: listOf(plan.tables).map((one) => textOf(mapOf(one).name)),
    lost: textsOf(plan.lost),
    unknown: textsOf(plan.unknown_keys),
    keys: listOf(plan.keys).map((one) => keyOf(mapOf(one))),
  };
}

function keyOf(key: Members): PlannedKey {
  const action = ACTIONS.find((one) => one === textOf(key.action));
  const kind = textOf(key.kind);
  if (action === undefined || (kind !== "root" && kind !== "standard")) throw other();
  return {
    source: textOf(key.source),
    name: textOf(key.name),
    kind,
    action,
    blocked: textOf(key.blocked),
    lost: textsOf(key.lost),
    imported: isTrue(key.imported),
    versions: numberOf(key.versions, 1),
    materialVersions: numberOf(key.material_versions),
    aliases: textsOf(key.aliases),
    ring: textOf(key.key_ring) || "default",
    deks: numberOf(key.deks),
    target: textOf(key.target),
    dekTarget: textOf(key.dek_target),
    registrations: listOf(key.registrations).length,
    dualAuth: isTrue(key.dual_auth_delete),
  };
}

// A key that may rotate at once the first time, and then once in a while: how long its owner's versions take at least.
// Keys wait side by side, so the one with most versions counts.
export function secondsOfImports(plan: Plan): number {
  const most = plan.keys.reduce((max, key) => Math.max(max, key.action === "import" ? key.materialVersions : 0), 0);
  return Math.max(0, most - 2) * plan.rotationSeconds;
}

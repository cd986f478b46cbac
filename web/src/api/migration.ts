// Migrations of this machine, as `keyhaven console --migration DIR` shows them: plans, what their journals say, reports.
// All of it is read-only; what is done to keys is done by `keyhaven migrate`.
import { ApiError, request } from "./api";

export const STATES = ["planned", "begun", "done", "verified", "failed", "blocked", "reported"] as const;
export type KeyState = (typeof STATES)[number];

// Figures of the last run of a verb, by the names that the tool gives them; a report adds the time as "at".
export type Run = Record<string, unknown>;

export interface KeyStatus {
  source: string;
  // Empty until it is known.
  target: string;
  name: string;
  action: string;
  state: KeyState;
  // Why it is blocked or failed.
  why: string;
  // Steps that are begun and have no result.
  open: string[];
  deks: number;
  source_disabled: boolean;
  intent: boolean;
}

export interface Status {
  plan: string;
  keys: KeyStatus[];
  totals: Partial<Record<KeyState, number>>;
  rewrap: Run | null;
  verify: Run | null;
  cutover: Run | null;
}

export interface Side {
  url: string;
  instance: string;
}

export const ACTIONS = ["import", "generate", "copy", "existing", "report", "blocked"] as const;

export interface PlannedKey {
  source: string;
  name: string;
  kind: "root" | "standard";
  action: (typeof ACTIONS)[number];
  // Why, and which lines to change.
  blocked: string;
  // What is not carried, in the tool's words.
  lost: string[];
  imported: boolean;
  versions: number;
  // How many versions of the material its owner supplies.
  material_versions: number;
  aliases: string[];
  key_ring: string;
  deks: number;
  // Existing: the key of the target that takes over.
  target: string;
  // Where its DEKs go instead; empty: under its own copy.
  dek_target: string;
  registrations: number;
  dual_auth_delete: boolean;
}

export interface Plan {
  id: string;
  made: string;
  source: Side;
  target: Side;
  // How long the target's rule on rotations makes the import of all versions take at least.
  seconds_of_imports: number;
  key_rings: string[];
  // Types of the instance policies that cutover sets.
  instance_policies: string[];
  // Of applications, wrapped anew in place.
  tables: string[];
  lost: string[];
  // Named by inventory or material, and no keys of the source.
  unknown_keys: string[];
  keys: PlannedKey[];
}

// The file as it is, and what the tool reads in it. Without a plan, what is wrong in it, in the tool's words.
export interface PlanFile {
  name: string;
  text: string;
  plan: Plan | null;
  mistake: string | null;
}

export interface Report {
  result: "verified" | "incomplete";
  // What is lacking.
  why: string[];
  made: string;
  made_by: string;
  tool: { name: string; version: string };
  plan: { id: string; made: string; sha256: string };
  journal: { sha256: string; steps: number };
  source: Side;
  target: Side;
  totals: Record<string, number>;
  rewrap: Run | null;
  verify: Run | null;
  cutover: Run | null;
  lost: string[];
  unknown_keys: string[];
}

// The lines of the target's audit log that record the report, and the key that signed the checkpoint.
export interface Receipt {
  record: string;
  checkpoint: string;
  public_key: string;
}

export interface ReportFile {
  report: Report;
  // Null: the target records no reports.
  receipt: Receipt | null;
}

const path = (name: string, what: string) => `/local/migrations/${encodeURIComponent(name)}/${what}`;

// File names of the plans in the directory, sorted.
export async function listMigrations(signal?: AbortSignal): Promise<string[]> {
  return (await request<{ migrations: string[] }>("get", "/local/migrations", { signal })).data.migrations;
}

export async function readPlan(name: string, signal?: AbortSignal): Promise<PlanFile> {
  return (await request<PlanFile>("get", path(name, "plan"), { signal })).data;
}

// From plan and journal; no service is asked.
export async function readStatus(name: string, signal?: AbortSignal): Promise<Status> {
  return (await request<Status>("get", path(name, "status"), { signal })).data;
}

// The newest report of the plan. Null: there is none yet.
export async function readReport(name: string, signal?: AbortSignal): Promise<ReportFile | null> {
  try {
    return (await request<ReportFile>("get", path(name, "report"), { signal })).data;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

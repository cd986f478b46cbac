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

// The plan's file as it is.
export async function readPlanText(name: string, signal?: AbortSignal): Promise<string> {
  return (await request<{ text: string }>("get", path(name, "plan"), { signal })).data.text;
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

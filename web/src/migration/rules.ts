// What the pages derive from the tool's figures.
import type { KeyState, KeyStatus, PlannedKey, ReportFile, Run, Status } from "../api/migration";

const numberIn = (run: Run, name: string) => (typeof run[name] === "number" ? run[name] : 0);

// Keys that are to be carried, and those that are. Blocked and reported keys are not among them.
export function progressOf(totals: Status["totals"]): { done: number; total: number } {
  const count = (...states: KeyState[]) => states.reduce((sum, state) => sum + (totals[state] ?? 0), 0);
  return { done: count("done", "verified"), total: count("planned", "begun", "done", "verified", "failed") };
}

// "equal": the last verify looked at everything and found nothing else. "partly": only at a sample.
export function verdictOf(verify: Run | null): "none" | "different" | "partly" | "equal" {
  if (!verify) return "none";
  const wrong = ["deks_different", "deks_unverifiable", "metadata_differences", "keys_missing", "still_enabled"];
  if (wrong.some((name) => numberIn(verify, name) > 0) || numberIn(verify, "standard_equal") < numberIn(verify, "standard_keys")) return "different";
  return numberIn(verify, "deks_not_sampled") > 0 ? "partly" : "equal";
}

// The figures of a run in the tool's order.
export const figuresOf = (run: Run): [string, number][] => Object.entries(run).filter((entry): entry is [string, number] => typeof entry[1] === "number");

export const isFound = ({ name, source, target }: { name: string; source: string; target: string }, search: string) => [name, source, target].some((text) => text.toLowerCase().includes(search.toLowerCase()));

export const isInState = (key: KeyStatus, state: string) => key.state === state;

// What a reviewer looks for in a plan.
export const CONCERNS = ["blocked", "lost", "supply"] as const;
export function concerns(key: PlannedKey, what: string): boolean {
  if (what === "blocked") return key.action === "blocked";
  return what === "lost" ? key.lost.length > 0 : key.action === "import";
}

// Names of the record that the target's audit log has of a report; null when it is none.
export interface Recorded {
  time: string;
  by: string;
  reportHash: string;
  hash: string;
}

export function recordOf({ receipt }: ReportFile): Recorded | null {
  if (!receipt) return null;
  try {
    const record = JSON.parse(receipt.record) as { hash?: string; event?: { eventTime?: string; initiator?: { name?: string; id?: string }; requestData?: { reportHash?: string } } };
    const event = record.event;
    return { time: event?.eventTime ?? "", by: event?.initiator?.name ?? event?.initiator?.id ?? "", reportHash: event?.requestData?.reportHash ?? "", hash: record.hash ?? "" };
  } catch {
    return null;
  }
}

// Lower-case hex digits, as `sha256sum` of the file.
export async function sha256Of(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

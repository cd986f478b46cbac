// What the crypto units of an instance were told, oldest first.
import { TkeError } from "../tke/error";
import { call, type Schema } from "./api";

export type Transcript = Schema<"Transcript">;
export type TranscriptEntry = Schema<"TranscriptEntry">;

const PAGE = 100;

// Where the next page begins: behind the last entry of this one, which must be behind the page's beginning.
function after(entries: readonly TranscriptEntry[], start: number): number {
  const { sequence } = entries.at(-1)!;
  if (!(sequence >= start)) throw new TkeError("malformed", `the server answered entries from ${start} on with entry ${sequence}: the transcript cannot be read`);
  return sequence + 1;
}

// The newest `count` entries, and where the transcript begins and ends.
export async function readNewest(instance: string, count: number, signal?: AbortSignal): Promise<Transcript> {
  const first = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start: 1, limit: 1 }, signal })).data;
  const entries: TranscriptEntry[] = [];
  let start = Math.max(1, first.first, first.last - count + 1);
  while (start <= first.last) {
    const page = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start, limit: Math.min(PAGE, count) }, signal })).data;
    if (page.entries.length === 0) break;
    entries.push(...page.entries);
    start = after(page.entries, start);
  }
  return { ...first, entries };
}

// All entries that the server keeps, with those that come meanwhile.
export async function readAll(instance: string, tell: (done: number, total: number) => void): Promise<Transcript> {
  const first = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start: 1, limit: 1 } })).data;
  const entries: TranscriptEntry[] = [];
  let last = first.last;
  let start = Math.max(1, first.first);
  while (start <= last) {
    const page = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start, limit: PAGE } })).data;
    if (page.entries.length === 0) break;
    entries.push(...page.entries);
    start = after(page.entries, start);
    last = page.last;
    tell(entries.length, last - first.first + 1);
  }
  return { ...first, last, entries };
}

// What the crypto units of an instance were told, oldest first.
import { call, type Schema } from "./api";

export type Transcript = Schema<"Transcript">;
export type TranscriptEntry = Schema<"TranscriptEntry">;

const PAGE = 100;

// The newest `count` entries, and where the transcript begins and ends.
export async function readNewest(instance: string, count: number, signal?: AbortSignal): Promise<Transcript> {
  const first = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start: 1, limit: 1 }, signal })).data;
  const entries: TranscriptEntry[] = [];
  let start = Math.max(1, first.first, first.last - count + 1);
  while (start <= first.last) {
    const page = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start, limit: Math.min(PAGE, count) }, signal })).data;
    if (page.entries.length === 0) break;
    entries.push(...page.entries);
    start = entries.at(-1)!.sequence + 1;
  }
  return { ...first, entries };
}

// All entries that the server keeps, and those that come meanwhile are left to the next reading.
export async function readAll(instance: string, tell: (done: number, total: number) => void): Promise<Transcript> {
  const first = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start: 1, limit: 1 } })).data;
  const entries: TranscriptEntry[] = [];
  let last = first.last;
  for (let start = Math.max(1, first.first); start <= last; start = entries.at(-1)!.sequence + 1) {
    const page = (await call("get", "/v1/tke/{instance}/transcript", { path: { instance }, query: { start, limit: PAGE } })).data;
    if (page.entries.length === 0) break;
    entries.push(...page.entries);
    last = page.last;
    tell(entries.length, last - first.first + 1);
  }
  return { ...first, last, entries };
}

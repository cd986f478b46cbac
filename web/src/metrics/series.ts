// From readings of the server's counts to rates: what happened between two of them.
import type { Families } from "./prometheus";

// One line of the server's: calls of one API with one status on one instance since counting began.
export interface Count {
  instance: string;
  api: string;
  code: number;
  calls: number;
  meanMs: number;
}

export interface Snapshot {
  // Milliseconds since 1970.
  at: number;
  counts: Map<string, Count>;
  // Keys that are not destroyed, by instance; every instance is in it.
  keys: Map<string, number>;
  version: string;
  // Seconds since 1970.
  started: number | undefined;
  suppressed: number | undefined;
}

export interface Interval {
  at: number;
  callsPerSecond: number;
  refusedPerSecond: number;
  failedPerSecond: number;
  // Null: no call.
  meanMs: number | null;
}

export interface ApiRow {
  api: string;
  calls: number;
  refused: number;
  failed: number;
  meanMs: number;
  perSecond: number;
}

// At most this many readings are kept: twenty minutes of ten seconds each.
export const MAX_SNAPSHOTS = 120;

export function snapshotOf(families: Families, at: number): Snapshot {
  const first = (name: string) => families.get(name)?.[0];
  const counts = new Map<string, Count>();
  for (const { labels, value } of families.get("ibm_kms_api_request_gauge") ?? []) {
    counts.set(keyOf(labels), { instance: labels.instance ?? "", api: labels.api ?? "", code: Number(labels.code), calls: value, meanMs: 0 });
  }
  for (const { labels, value } of families.get("ibm_kms_api_latency_gauge") ?? []) {
    const count = counts.get(keyOf(labels));
    if (count && Number.isFinite(value)) count.meanMs = value;
  }
  return {
    at,
    counts,
    keys: new Map((families.get("keyhaven_keys") ?? []).map(({ labels, value }) => [labels.instance ?? "", value])),
    version: first("keyhaven_build_info")?.labels.version ?? "",
    started: first("process_start_time_seconds")?.value,
    suppressed: first("keyhaven_suppressed_audit_events_total")?.value,
  };
}

const keyOf = (labels: Record<string, string>) => JSON.stringify([labels.instance, labels.api, labels.code]);

// Calls and their whole time since `before`. A count that went down began anew: the server was restarted, or the policy
// was switched off and on.
function grown(before: Snapshot, after: Snapshot, instance: string): Count[] {
  const out: Count[] = [];
  for (const [key, now] of after.counts) {
    if (instance && now.instance !== instance) continue;
    const old = before.counts.get(key);
    const since = old && old.calls <= now.calls ? old : { calls: 0, meanMs: 0 };
    const calls = now.calls - since.calls;
    if (calls > 0) out.push({ ...now, calls, meanMs: Math.max(0, (now.calls * now.meanMs - since.calls * since.meanMs) / calls) });
  }
  return out;
}

const sum = (counts: Count[], value: (count: Count) => number) => counts.reduce((total, count) => total + value(count), 0);
const isRefused = ({ code }: Count) => code >= 400 && code < 500;
const isFailed = ({ code }: Count) => code >= 500;
const callsOf = (counts: Count[]) => sum(counts, ({ calls }) => calls);
const meanOf = (counts: Count[]) => sum(counts, ({ calls, meanMs }) => calls * meanMs) / callsOf(counts);

export function between(before: Snapshot, after: Snapshot, instance = ""): Interval {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const counts = grown(before, after, instance);
  return {
    at: after.at,
    callsPerSecond: callsOf(counts) / seconds,
    refusedPerSecond: callsOf(counts.filter(isRefused)) / seconds,
    failedPerSecond: callsOf(counts.filter(isFailed)) / seconds,
    meanMs: counts.length > 0 ? meanOf(counts) : null,
  };
}

export function intervals(history: Snapshot[], instance = ""): Interval[] {
  return history.slice(1).map((after, index) => between(history[index]!, after, instance));
}

// Totals by API since counting began, the busiest first; the rate is that of the last interval.
export function apiRows(history: Snapshot[], instance = ""): ApiRow[] {
  const latest = history.at(-1);
  if (!latest) return [];
  const before = history.at(-2);
  const recent = before ? grown(before, latest, instance) : [];
  const seconds = before ? Math.max(0.001, (latest.at - before.at) / 1000) : 1;
  const byApi = new Map<string, Count[]>();
  for (const count of latest.counts.values()) {
    if (!instance || count.instance === instance) byApi.set(count.api, [...(byApi.get(count.api) ?? []), count]);
  }
  return [...byApi]
    .map(([api, counts]) => ({
      api,
      calls: callsOf(counts),
      refused: callsOf(counts.filter(isRefused)),
      failed: callsOf(counts.filter(isFailed)),
      meanMs: meanOf(counts),
      perSecond: callsOf(recent.filter((count) => count.api === api)) / seconds,
    }))
    .sort((left, right) => right.calls - left.calls || left.api.localeCompare(right.api));
}

export const isCounted = (snapshot: Snapshot, instance: string): boolean => [...snapshot.counts.values()].some((count) => count.instance === instance);

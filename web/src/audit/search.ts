// Filters over the records of an opened log.
import type { AuditSearch } from "../api/audit";
import type { Entry } from "./verify";

export interface AuditFilters {
  from: string;
  until: string;
  action: string;
  outcome: string;
  severity: string;
  initiator: string;
  instance: string;
  correlation: string;
}

export const FILTER_NAMES = ["from", "until", "action", "outcome", "severity", "initiator", "instance", "correlation"] as const satisfies readonly (keyof AuditFilters)[];

export const readFilters = (query: URLSearchParams): AuditFilters => Object.fromEntries(FILTER_NAMES.map((name) => [name, query.get(name) ?? ""])) as unknown as AuditFilters;

const has = (text: string | undefined, part: string) => !part || (text ?? "").toLowerCase().includes(part.trim().toLowerCase());

// `from` and `until` are moments of the reader's own zone, as the browser's date field gives them.
export function matches({ record: { event } }: Entry, filters: AuditFilters): boolean {
  const at = Date.parse(event.eventTime ?? "");
  if (filters.from && !(at >= Date.parse(filters.from))) return false;
  // The field has minutes: a whole one is meant.
  if (filters.until && !(at < Date.parse(filters.until) + 60_000)) return false;
  if (filters.outcome && event.outcome !== filters.outcome) return false;
  if (filters.severity && event.severity !== filters.severity) return false;
  const { initiator, requestData, target } = event;
  return (
    has(event.action, filters.action) &&
    has(event.correlationId, filters.correlation) &&
    (has(initiator?.id, filters.initiator) || has(initiator?.name, filters.initiator) || has(initiator?.host?.address, filters.initiator)) &&
    (has(requestData?.instanceID, filters.instance) || has(target?.id, filters.instance))
  );
}

// Newest first; within a second a stream keeps its order.
export function byTime(left: Entry, right: Entry): number {
  const [a, b] = [left.record.event.eventTime ?? "", right.record.event.eventTime ?? ""];
  if (a !== b) return a < b ? 1 : -1;
  if (left.stream !== right.stream) return left.stream < right.stream ? -1 : 1;
  return left.record.seq < right.record.seq ? 1 : -1;
}

// Every member of an event as "requestData.instanceID" and its value, in the event's order.
export function fieldsOf(value: unknown, path = ""): [string, string][] {
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([name, member]) => fieldsOf(member, path ? `${path}.${name}` : name));
}

export type SearchFilters = AuditFilters & { target: string; text: string };

export const SEARCH_NAMES = [...FILTER_NAMES, "target", "text"] as const satisfies readonly (keyof SearchFilters)[];

export const readSearch = (query: URLSearchParams): SearchFilters => Object.fromEntries(SEARCH_NAMES.map((name) => [name, query.get(name) ?? ""])) as unknown as SearchFilters;

const moment = (field: string, plus = 0): string | undefined => {
  const at = Date.parse(field);
  return Number.isNaN(at) ? undefined : new Date(at + plus).toISOString();
};

// What the server is asked. A value that a form cannot give, from a URL written by hand, goes to the server, which says what
// is wrong with it.
export function searchOf(filters: SearchFilters): AuditSearch {
  const { from, until, action, outcome, severity, initiator, instance, correlation, target, text } = filters;
  const asked: AuditSearch = {
    from: moment(from),
    to: moment(until, 60_000),
    action: action.trim(),
    outcome: outcome as AuditSearch["outcome"],
    severity: severity as AuditSearch["severity"],
    initiator: initiator.trim(),
    target: target.trim(),
    instance: instance.trim(),
    correlation_id: correlation.trim(),
    text,
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value)) as AuditSearch;
}

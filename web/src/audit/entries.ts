// A record as the tables and details show it, from a file or from the server.
import type { AuditRecordAnswer } from "../api/audit";
import type { AuditEvent } from "./record";

export interface Shown {
  stream: string;
  record: { seq: bigint | number; prev: string; hash: string; event: AuditEvent };
  isSealed: boolean;
}

export function entryOf({ stream, seq, prev, hash, sealed, event }: AuditRecordAnswer): Shown {
  return { stream, record: { seq, prev, hash, event: event as AuditEvent }, isSealed: sealed };
}

export interface EventLink {
  kind: "instance" | "key" | "identity";
  path: string;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const path = (...parts: string[]) => `/${parts.map(encodeURIComponent).join("/")}`;

// Pages about what an event names. It may not exist any more; the page then says so.
export function linksOf(event: AuditEvent): EventLink[] {
  // crn:v1:CNAME:CTYPE:SERVICE:REGION:SCOPE:INSTANCE:TYPE:RESOURCE
  const crn = (event.target?.id ?? "").split(":");
  const named = event.requestData?.instanceID ?? (crn[0] === "crn" ? crn[7] : undefined) ?? "";
  const instance = ID.test(named) ? named : "";
  const links: EventLink[] = [];
  if (crn[8] === "key" && instance && ID.test(crn[9] ?? "")) links.push({ kind: "key", path: path("instances", instance, "keys", crn[9]!) });
  if (instance) links.push({ kind: "instance", path: path("instances", instance) });
  if (event.initiator?.id) links.push({ kind: "identity", path: path("access", event.initiator.id) });
  return links;
}

// The audit log as the server tells it: records, state, checks, and the key that verifies it without the server. For the
// role Administrator.
import { call, type Schema } from "./api";

export type AuditPublicKey = Schema<"AuditPublicKey">;

export async function readAuditPublicKey(signal?: AbortSignal): Promise<AuditPublicKey> {
  return (await call("get", "/v1/audit/public_key", { signal })).data;
}

// Signs the heads of all streams as they are now.
export async function signCheckpoint(): Promise<void> {
  await call("post", "/v1/audit/checkpoint");
}

export type AuditRecords = Schema<"AuditRecords">;
export type AuditRecordAnswer = Schema<"AuditRecord">;
export type AuditStatus = Schema<"AuditStatus">;
export type AuditStream = Schema<"AuditStream">;

export interface AuditSearch {
  from?: string;
  to?: string;
  action?: string;
  outcome?: "success" | "failure";
  severity?: "normal" | "warning" | "critical";
  initiator?: string;
  target?: string;
  instance?: string;
  correlation_id?: string;
  text?: string;
}

// One page, newest first. It may be empty and yet not the last one: `complete` says.
export async function searchAuditRecords(search: AuditSearch, cursor: string, signal?: AbortSignal): Promise<AuditRecords> {
  return (await call("get", "/v1/audit/records", { query: { ...search, cursor: cursor || undefined }, signal })).data;
}

export async function readAuditStatus(signal?: AbortSignal): Promise<AuditStatus> {
  return (await call("get", "/v1/audit/status", { signal })).data;
}

// One check runs at a time; when one does already, it is that one.
export async function startAuditCheck(): Promise<void> {
  await call("post", "/v1/audit/check");
}

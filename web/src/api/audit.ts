// The public side of the audit log (the role Administrator). The API has no call that reads or searches its records.
import { call, type Schema } from "./api";

export type AuditPublicKey = Schema<"AuditPublicKey">;

export async function readAuditPublicKey(signal?: AbortSignal): Promise<AuditPublicKey> {
  return (await call("get", "/v1/audit/public_key", { signal })).data;
}

// Signs the heads of all streams as they are now.
export async function signCheckpoint(): Promise<void> {
  await call("post", "/v1/audit/checkpoint");
}

// Figures of the server, its readiness, and what protects its state on the disk.
import { ApiError, call, request, type Schema } from "./api";

export type Readiness = Schema<"Readiness">;
export type AttestationRoot = Schema<"AttestationRoot">;
export type Sealing = Schema<"UnitSealing">;
export type StoreVerification = Schema<"StoreVerification">;

// In the text format of Prometheus; needs the role Administrator.
export async function readMetrics(signal?: AbortSignal): Promise<string> {
  return (await request<string>("get", "/metrics", { signal })).data;
}

// A server that is not ready answers 503 with the same body: the causes are what a person wants to see then.
export async function readReadiness(signal?: AbortSignal): Promise<Readiness> {
  const { status, data } = await call("get", "/readyz", { accept: 503, signal });
  if (data?.causes) return data;
  throw new ApiError(status, "BAD_ANSWER_ERR", "", "");
}

export async function readAttestationRoot(signal?: AbortSignal): Promise<AttestationRoot> {
  return (await call("get", "/v1/tke/attestation_root", { signal })).data;
}

// Under `keyhaven console`: what the administrator pinned on this machine. Null when nothing is pinned.
export async function readPinnedRoot(signal?: AbortSignal): Promise<AttestationRoot | null> {
  try {
    return (await request<AttestationRoot>("get", "/local/attestation-root", { signal })).data;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export async function readSealing(signal?: AbortSignal): Promise<Sealing> {
  return (await call("get", "/v1/unit/sealing", { signal })).data;
}

// What the check at the start of the server found.
export async function readStoreVerification(signal?: AbortSignal): Promise<StoreVerification> {
  return (await call("get", "/v1/store/verification", { signal })).data;
}

// Checks every stored record now: seconds for a million of them.
export async function verifyStore(): Promise<StoreVerification> {
  return (await call("post", "/v1/store/verification")).data;
}

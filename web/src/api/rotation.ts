// The master key rotation of an instance (docs/operations/master-key.md).
import { call, type Schema } from "./api";

export type Rotation = Schema<"MasterKeyRotation">;

export async function readRotation(instance: string, signal?: AbortSignal): Promise<Rotation> {
  return (await call("get", "/v1/tke/{instance}/rotation", { path: { instance }, signal })).data;
}

// Starts, or goes on with, sealing the stored keys under the committed new master key.
export async function startRotation(instance: string): Promise<Rotation> {
  return (await call("post", "/v1/tke/{instance}/rotation", { path: { instance } })).data;
}

export async function abandonRotation(instance: string): Promise<Rotation> {
  return (await call("delete", "/v1/tke/{instance}/rotation", { path: { instance } })).data;
}

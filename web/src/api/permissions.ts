// What the caller may do, as the server tells it.
import { call, type Schema } from "./api";

export type Permissions = Schema<"Permissions">;
export type Action = Schema<"Action">;

export async function readPermissions(instance: string | null, signal?: AbortSignal): Promise<Permissions> {
  return (await call("get", "/v1/permissions", { query: instance === null ? {} : { instance }, signal })).data;
}

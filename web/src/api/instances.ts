// Service instances and their crypto units.
import { call, request, type CallOptions, type Schema } from "./api";

export type Instance = Schema<"ServiceInstance">;
export type NewInstance = Schema<"NewServiceInstance">;
export type CryptoUnit = Schema<"CryptoUnit">;
export type CryptoUnits = Schema<"CryptoUnitList">;

// All instances that the caller may see, over all pages.
export async function listInstances(signal?: AbortSignal): Promise<Instance[]> {
  let page = (await call("get", "/v2/resource_instances", { query: { limit: 100 }, signal })).data;
  const all = [...page.resources];
  while (page.next_url) {
    page = (await request<Schema<"ServiceInstanceList">>("get", page.next_url, { signal })).data;
    all.push(...page.resources);
  }
  return all;
}

export async function readInstance(id: string, signal?: AbortSignal): Promise<Instance> {
  return (await call("get", "/v2/resource_instances/{id}", { path: { id }, signal })).data;
}

export async function createInstance(body: NewInstance): Promise<Instance> {
  return (await call("post", "/v2/resource_instances", { body })).data;
}

export async function renameInstance(id: string, name: string): Promise<Instance> {
  return (await call("patch", "/v2/resource_instances/{id}", { path: { id }, body: { name } })).data;
}

export async function deleteInstance(id: string): Promise<void> {
  await call("delete", "/v2/resource_instances/{id}", { path: { id } });
}

// Needs the role Manager on the instance.
export async function listUnits(instance: string, options: CallOptions = {}): Promise<CryptoUnits> {
  return (await call("get", "/v1/tke/{instance}/hsms", { path: { instance }, ...options })).data;
}

export const allUnits = (units: CryptoUnits): CryptoUnit[] => [...units.hsms, ...units.source_hsms, ...units.failover_hsms];

// Whether the operational units hold a master key, so that keys can be made and used.
export const isInitialised = (units: CryptoUnits): boolean => units.hsms.some((unit) => unit.state === "initialized" && unit.membership !== "waiting");

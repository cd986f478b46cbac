// Identities, their API keys and what they may do (the role Administrator on the whole account).
import { call, type Schema } from "./api";

export type Identity = Schema<"Identity">;
export type ApiKey = Schema<"ApiKey">;
export type NewApiKey = Schema<"NewApiKey">;
export type AccessPolicy = Schema<"AccessPolicy">;
export type NewIdentity = Schema<"NewIdentity">;
export type RoleName = AccessPolicy["roles"][number]["display_name"];

export async function listIdentities(signal?: AbortSignal): Promise<Identity[]> {
  return (await call("get", "/v1/serviceids", { signal })).data.serviceids;
}

export async function createIdentity(body: NewIdentity): Promise<Identity> {
  return (await call("post", "/v1/serviceids", { body })).data;
}

// Who logs in at the OpenID provider as this user; null: nobody.
export async function linkIdentity(id: string, subject: string | null): Promise<Identity> {
  return (await call("patch", "/v1/serviceids/{id}", { path: { id }, body: { oidc_subject: subject } })).data;
}

// Takes its API keys and access policies along.
export async function deleteIdentity(id: string): Promise<void> {
  await call("delete", "/v1/serviceids/{id}", { path: { id } });
}

// Of one identity, or of everybody.
export async function listApiKeys(iamId?: string, signal?: AbortSignal): Promise<ApiKey[]> {
  return (await call("get", "/v1/apikeys", { query: { iam_id: iamId }, signal })).data.apikeys;
}

// The answer is the only place where the key's text ever is.
export async function createApiKey(iamId: string, name: string): Promise<NewApiKey> {
  return (await call("post", "/v1/apikeys", { body: { iam_id: iamId, name } })).data;
}

export async function revokeApiKey(id: string): Promise<void> {
  await call("delete", "/v1/apikeys/{id}", { path: { id } });
}

export async function listAccessPolicies(iamId?: string, signal?: AbortSignal): Promise<AccessPolicy[]> {
  return (await call("get", "/v1/policies", { query: { iam_id: iamId }, signal })).data.policies;
}

// What a policy is for. Absent parts stand for everything below.
export interface AccessScope {
  instance?: string;
  ring?: string;
  key?: string;
}

export async function createAccessPolicy(iamId: string, roles: RoleName[], scope: AccessScope): Promise<AccessPolicy> {
  const attributes: { name: "serviceInstance" | "keyRing" | "resource"; value: string }[] = [];
  if (scope.instance) attributes.push({ name: "serviceInstance", value: scope.instance });
  if (scope.ring) attributes.push({ name: "keyRing", value: scope.ring });
  if (scope.key) attributes.push({ name: "resource", value: scope.key });
  const body = {
    subjects: [{ attributes: [{ name: "iam_id" as const, value: iamId }] }],
    roles: roles.map((display_name) => ({ display_name })),
    resources: [{ attributes }],
  };
  return (await call("post", "/v1/policies", { body })).data;
}

export async function deleteAccessPolicy(id: string): Promise<void> {
  await call("delete", "/v1/policies/{id}", { path: { id } });
}

export function scopeOf(policy: AccessPolicy): AccessScope {
  const value = (name: string) => policy.resources[0]?.attributes.find((attribute) => attribute.name === name)?.value;
  return { instance: value("serviceInstance"), ring: value("keyRing"), key: value("resource") };
}

export const subjectOf = (policy: AccessPolicy): string => policy.subjects[0]?.attributes.find(({ name }) => name === "iam_id")?.value ?? "";

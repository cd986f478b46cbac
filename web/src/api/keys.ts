// Keys, their versions, aliases, policies and registrations; key rings; import tokens.
import { ApiError, call, type Schema } from "./api";

export type Key = Schema<"Key">;
export type NewKey = Schema<"NewKey">;
export type Material = Schema<"Material">;
export type KeyState = Key["state"];
export type KeyRing = Schema<"KeyRing">;
export type KeyVersion = Schema<"KeyVersionList">["resources"][number];
export type KeyPolicy = Schema<"KeyPolicyList">["resources"][number];
export type ImportToken = Schema<"ImportTokenWithKey">;

const KEY_TYPE = "application/vnd.ibm.kms.key+json";
const POLICY_TYPE = "application/vnd.ibm.kms.policy+json";

export interface KeyQuery {
  search?: string;
  ring?: string;
  states?: KeyState[];
  extractable?: boolean;
  sort?: string;
}

export interface KeyPage {
  rows: Key[];
  total: number;
  // There were too many keys to search: these are what a look-up of id and alias found.
  isIncomplete: boolean;
}

const queryOf = (query: KeyQuery) => ({ search: query.search, state: query.states, extractable: query.extractable });

// One page of keys and how many there are in all. The count is a call of its own in this API; a short page makes it
// unnecessary.
export async function listKeys(instance: string, query: KeyQuery, offset: number, limit: number, signal?: AbortSignal): Promise<KeyPage> {
  const common = { instance, ring: query.ring, signal };
  const counting = countKeys(instance, query, signal);
  // Awaited below; a failure of both calls is told once, by the list.
  counting.catch(() => undefined);
  const page = (await call("get", "/api/v2/keys", { ...common, query: { ...queryOf(query), sort: query.sort, offset, limit } })).data;
  const rows = page.resources;
  const isIncomplete = page.metadata.incompleteSearch === true;
  const isLast = rows.length < limit && (rows.length > 0 || offset === 0);
  return { rows, total: isLast ? offset + rows.length : await counting, isIncomplete };
}

export async function countKeys(instance: string, query: KeyQuery, signal?: AbortSignal): Promise<number> {
  const answer = await call("head", "/api/v2/keys", { instance, ring: query.ring, query: queryOf(query), signal });
  return Number(answer.headers.get("Key-Total") ?? 0);
}

// Metadata only: the payload of a standard key is a call of its own, made when somebody asks to see it.
export async function readKey(instance: string, id: string, signal?: AbortSignal): Promise<Key> {
  return (await call("get", "/api/v2/keys/{id}/metadata", { instance, path: { id }, signal })).data.resources[0]!;
}

export async function readPayload(instance: string, id: string): Promise<string> {
  return (await call("get", "/api/v2/keys/{id}", { instance, path: { id } })).data.resources[0]?.payload ?? "";
}

// Answers without the payload, also for a standard key: it is shown when asked for, not when it is made.
export async function createKey(instance: string, key: NewKey, ring: string): Promise<Key> {
  const answer = await call("post", "/api/v2/keys", {
    instance,
    ring,
    body: { metadata: { collectionType: KEY_TYPE, collectionTotal: 1 }, resources: [{ type: KEY_TYPE, ...key }] },
  });
  return answer.data.resources[0] as Key;
}

export type PlainAction = "disable" | "enable" | "setKeyForDeletion" | "unsetKeyForDeletion" | "sync";

export async function actOnKey(instance: string, id: string, action: PlainAction): Promise<void> {
  await call("post", `/api/v2/keys/{id}/actions/${action}`, { instance, path: { id } });
}

export async function rotateKey(instance: string, id: string, material?: Material): Promise<void> {
  await call("post", "/api/v2/keys/{id}/actions/rotate", { instance, path: { id }, body: material });
}

export async function deleteKey(instance: string, id: string, force: boolean): Promise<void> {
  await call("delete", "/api/v2/keys/{id}", { instance, path: { id }, query: force ? { force } : {} });
}

export async function restoreKey(instance: string, id: string): Promise<void> {
  await call("post", "/api/v2/keys/{id}/restore", { instance, path: { id } });
}

export async function purgeKey(instance: string, id: string): Promise<void> {
  await call("delete", "/api/v2/keys/{id}/purge", { instance, path: { id } });
}

export async function moveKey(instance: string, id: string, ring: string): Promise<void> {
  await call("patch", "/api/v2/keys/{id}", { instance, path: { id }, body: { keyRingID: ring } });
}

export async function addAlias(instance: string, id: string, alias: string): Promise<void> {
  await call("post", "/api/v2/keys/{id}/aliases/{alias}", { instance, path: { id, alias } });
}

export async function removeAlias(instance: string, id: string, alias: string): Promise<void> {
  await call("delete", "/api/v2/keys/{id}/aliases/{alias}", { instance, path: { id, alias } });
}

export async function listVersions(instance: string, id: string, signal?: AbortSignal): Promise<KeyVersion[]> {
  const answer = await call("get", "/api/v2/keys/{id}/versions", { instance, path: { id }, query: { limit: 5000, allKeyStates: true }, signal });
  return answer.data.resources;
}

// Needs Manager.
export async function readKeyPolicies(instance: string, id: string, signal?: AbortSignal): Promise<KeyPolicy[]> {
  return (await call("get", "/api/v2/keys/{id}/policies", { instance, path: { id }, signal })).data.resources;
}

export async function setKeyPolicy(instance: string, id: string, policy: Schema<"KeyPolicySetting">): Promise<void> {
  await call("put", "/api/v2/keys/{id}/policies", {
    instance,
    path: { id },
    body: { metadata: { collectionType: POLICY_TYPE, collectionTotal: 1 }, resources: [{ type: POLICY_TYPE, ...policy }] },
  });
}

export type Registration = Schema<"RegistrationList">["resources"][number];

export async function listRegistrations(instance: string, id: string, signal?: AbortSignal): Promise<Registration[]> {
  return (await call("get", "/api/v2/keys/{id}/registrations", { instance, path: { id }, query: { limit: 200 }, signal })).data.resources;
}

// One page of the registrations of all keys; `prevents`: only those that (do not) prevent deletion.
export async function listAllRegistrations(instance: string, prevents: boolean | undefined, offset: number, limit: number, signal?: AbortSignal): Promise<{ rows: Registration[]; total: number }> {
  const query = { offset, limit, totalCount: true, preventKeyDeletion: prevents };
  const { metadata, resources } = (await call("get", "/api/v2/keys/registrations", { instance, query, signal })).data;
  return { rows: resources, total: metadata.totalCount ?? offset + resources.length };
}

// Which ways of adding keys the instance's policy keyCreateImportAccess leaves open.
export type AddingRules = NonNullable<Schema<"KeyCreateImportAccessInstancePolicy">["policy_data"]["attributes"]>;

// Null: no such policy is active, or the caller may not know (needs Manager); the server decides then.
export async function readAddingRules(instance: string, signal?: AbortSignal): Promise<AddingRules | null> {
  try {
    const answer = await call("get", "/api/v2/instance/policies", { instance, query: { policy: "keyCreateImportAccess" }, signal });
    const policy = answer.data.resources.find((found) => found.policy_type === "keyCreateImportAccess");
    return policy?.policy_data.enabled ? (policy.policy_data.attributes ?? null) : null;
  } catch (error) {
    if (error instanceof ApiError && error.isRefusal) return null;
    throw error;
  }
}

// ---- rings ----

export async function listRings(instance: string, signal?: AbortSignal): Promise<KeyRing[]> {
  return (await call("get", "/api/v2/key_rings", { instance, query: { limit: 5000 }, signal })).data.resources;
}

export async function createRing(instance: string, ring: string): Promise<void> {
  await call("post", "/api/v2/key_rings/{ring}", { instance, path: { ring } });
}

export async function deleteRing(instance: string, ring: string, force: boolean): Promise<void> {
  await call("delete", "/api/v2/key_rings/{ring}", { instance, path: { ring }, query: force ? { force } : {} });
}

// ---- secure import ----

export async function createImportToken(instance: string, expirationSeconds: number, retrievals: number): Promise<void> {
  await call("post", "/api/v2/import_token", { instance, body: { expiration: expirationSeconds, maxAllowedRetrievals: retrievals } });
}

// Counts as a retrieval, so it is never repeated without being asked for.
export async function readImportToken(instance: string): Promise<ImportToken> {
  return (await call("get", "/api/v2/import_token", { instance })).data;
}

// What can be said about access without a browser.
import { scopeOf, subjectOf, type AccessPolicy, type AccessScope, type Identity, type RoleName } from "../api/iam";

export const PLATFORM_ROLES: RoleName[] = ["Viewer", "Operator", "Editor", "Administrator"];
export const SERVICE_ROLES: RoleName[] = ["Reader", "ReaderPlus", "Writer", "Manager", "KMS Key Purge"];

export const MAX_NAME_BYTES = 240;
export const MAX_API_KEYS = 20;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const isKeyId = (text: string): boolean => UUID.test(text);

export const isName = (text: string): boolean => text.trim() !== "" && new TextEncoder().encode(text).length <= MAX_NAME_BYTES;

export type ScopeLevel = "account" | "instance" | "ring" | "key";

export function levelOf(scope: AccessScope): ScopeLevel {
  if (scope.key) return "key";
  if (scope.ring) return "ring";
  return scope.instance ? "instance" : "account";
}

// Whether the policy makes its subject an administrator of everything: the only ones who manage access.
export const makesAdministrator = (roles: readonly string[], scope: AccessScope): boolean => roles.includes("Administrator") && levelOf(scope) === "account";

export interface IdentityRow extends Identity {
  apiKeys: number;
  roles: string[];
  isAdministrator: boolean;
}

// Identities with what belongs to each, found once for all of them.
export function rowsOf(identities: Identity[], apiKeys: { iam_id: string }[], policies: AccessPolicy[]): IdentityRow[] {
  const keys = new Map<string, number>();
  for (const { iam_id } of apiKeys) keys.set(iam_id, (keys.get(iam_id) ?? 0) + 1);
  const held = new Map<string, AccessPolicy[]>();
  for (const policy of policies) held.set(subjectOf(policy), [...(held.get(subjectOf(policy)) ?? []), policy]);
  return identities.map((identity) => {
    const own = held.get(identity.iam_id) ?? [];
    return {
      ...identity,
      apiKeys: keys.get(identity.iam_id) ?? 0,
      roles: [...new Set(own.flatMap((policy) => policy.roles.map(({ display_name }) => display_name)))],
      isAdministrator: own.some((policy) => makesAdministrator(policy.roles.map(({ display_name }) => display_name), scopeOf(policy))),
    };
  });
}

export function matches(row: IdentityRow, search: string, type: string): boolean {
  const wanted = search.trim().toLowerCase();
  if (type && row.type !== type) return false;
  return !wanted || [row.name, row.iam_id, row.description ?? ""].some((text) => text.toLowerCase().includes(wanted));
}

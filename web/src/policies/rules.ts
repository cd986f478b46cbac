// What can be said about instance policies without a browser.
import type { InstancePolicy, PolicyOf, PolicyType } from "../api/policies";

export const MAX_NETWORKS = 1000;
export const MAX_MONTHS = 12;

export const find = <Type extends PolicyType>(policies: InstancePolicy[], type: Type): PolicyOf<Type> | undefined =>
  policies.find((policy): policy is PolicyOf<Type> => policy.policy_type === type);

// One network a line; a single address is a network of one. The server says what is wrong with one that is none.
export const networksOf = (text: string): string[] =>
  text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map((entry) => (entry.includes("/") ? entry : `${entry}/${entry.includes(":") ? 128 : 32}`));

// ---- keyCreateImportAccess ----

export const ACCESS_RIGHTS = ["create_root_key", "create_standard_key", "import_root_key", "import_standard_key", "enforce_token"] as const;
export type AccessRight = (typeof ACCESS_RIGHTS)[number];
export type AccessRights = Record<AccessRight, boolean>;

// What holds without the policy.
export const FREE: AccessRights = { create_root_key: true, create_standard_key: true, import_root_key: true, import_standard_key: true, enforce_token: false };

export function rightsOf(policy: PolicyOf<"keyCreateImportAccess"> | undefined): AccessRights {
  return policy?.policy_data.enabled && policy.policy_data.attributes ? { ...FREE, ...policy.policy_data.attributes } : FREE;
}

export const sameRights = (left: AccessRights, right: AccessRights) => ACCESS_RIGHTS.every((name) => left[name] === right[name]);

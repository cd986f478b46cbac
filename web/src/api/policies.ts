// Policies of an instance (the role Manager).
import { call, type Schema } from "./api";

export type InstancePolicy = Schema<"InstancePolicyList">["resources"][number];
export type PolicyType = InstancePolicy["policy_type"];
export type PolicyOf<Type extends PolicyType> = Extract<InstancePolicy, { policy_type: Type }>;
export type InstancePolicySetting = Schema<"InstancePolicySetting"> & { policy_type: PolicyType };

export async function readInstancePolicies(instance: string, signal?: AbortSignal): Promise<InstancePolicy[]> {
  return (await call("get", "/api/v2/instance/policies", { instance, signal })).data.resources;
}

// Sets one policy and leaves the others. Returns the server's warning, such as that the caller is shut out from now on.
export async function setInstancePolicy(instance: string, setting: InstancePolicySetting): Promise<string | null> {
  const body = { metadata: { collectionType: "application/vnd.ibm.kms.policy+json", collectionTotal: 1 }, resources: [setting] };
  const { headers } = await call("put", "/api/v2/instance/policies", { instance, query: { policy: setting.policy_type }, body });
  return warningText(headers.get("Warning"));
}

// The text of a Warning header, RFC 7234 section 5.5: code, agent, quoted text.
export function warningText(header: string | null): string | null {
  if (!header) return null;
  return /^\d{3} \S+ "((?:[^"\\]|\\.)*)"/.exec(header)?.[1]?.replace(/\\(.)/g, "$1") ?? header;
}

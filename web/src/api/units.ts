// Crypto units: the frames that go to them, and the root that their certificates must lead to.
import { attestationRoot, type AttestationRoot } from "../tke/attestation";
import { targetOf } from "../tke/frame";
import { UnitSession, type Transport } from "../tke/unit-session";
import { call, request, type Schema } from "./api";
import type { CryptoUnit } from "./instances";

// One HTPRequest to a unit and its HTPResponse. `acceptKeyLoss`: also a command that stored keys would be lost by.
export const transportTo =
  (instance: string, hsm: string, signal?: AbortSignal, acceptKeyLoss = false): Transport =>
  async (text) =>
    (await call("post", "/v1/tke/{instance}/hsms/{hsm}", { path: { instance, hsm }, query: acceptKeyLoss ? { accept_key_loss: true } : undefined, body: { request: text }, signal })).data.response;

// Adds recovery or failover units; as many as there are, or more.
export async function addUnits(instance: string, parameters: { recovery_units?: number; failover_units?: number }): Promise<void> {
  await call("patch", "/v2/resource_instances/{id}", { path: { id: instance }, body: { parameters } });
}

// Under `keyhaven console` what the administrator pinned on this machine. Otherwise what the server says, which proves
// nothing against the server.
export async function readRoot(isLocal: boolean, signal?: AbortSignal): Promise<AttestationRoot> {
  const claim = isLocal
    ? (await request<Schema<"AttestationRoot">>("get", "/local/attestation-root", { signal })).data
    : (await call("get", "/v1/tke/attestation_root", { signal })).data;
  return attestationRoot(claim);
}

export const openUnit = (instance: string, unit: CryptoUnit, root: AttestationRoot, signal?: AbortSignal): Promise<UnitSession> =>
  UnitSession.open(transportTo(instance, unit.hsm_id, signal), targetOf(unit.location, unit.serial_number), root);

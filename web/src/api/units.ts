// Crypto units: the frames that go to them, and the root that their certificates must lead to.
import { attestationRoot, type AttestationRoot } from "../tke/attestation";
import { equal, toHex } from "../tke/bytes";
import { TkeError } from "../tke/error";
import { targetOf } from "../tke/frame";
import { UnitSession, type Newest, type Transport } from "../tke/unit-session";
import { call, request, type Schema } from "./api";
import { tellFault } from "./faults";
import { listUnits, type CryptoUnit } from "./instances";

// One HTPRequest to a unit and its HTPResponse. `acceptKeyLoss`: also a command that stored keys would be lost by.
export const transportTo =
  (instance: string, hsm: string, acceptKeyLoss = false): Transport =>
  async (text) => {
    const { data } = await call("post", "/v1/tke/{instance}/hsms/{hsm}", { path: { instance, hsm }, query: acceptKeyLoss ? { accept_key_loss: true } : undefined, body: { request: text } });
    if (data.transcript_fault) tellFault({ hsm, kind: "transcript", why: data.transcript_fault, frames: [text, data.response] });
    return data.response;
  };

export interface UnitCounts {
  recovery: number;
  failover: number;
}

// Adds recovery and failover units. The server takes how many there shall be, so with more than `before` units, which the person
// saw, the same number could take some away.
export async function addUnits(instance: string, before: UnitCounts, wanted: UnitCounts): Promise<void> {
  const { source_hsms, failover_hsms } = await listUnits(instance);
  if (source_hsms.length !== before.recovery || failover_hsms.length !== before.failover) {
    throw new TkeError("stale", `the instance has ${source_hsms.length} recovery and ${failover_hsms.length} failover units now, not ${before.recovery} and ${before.failover} as this page showed: look again, then choose`);
  }
  const parameters = { ...(wanted.recovery > before.recovery && { recovery_units: wanted.recovery }), ...(wanted.failover > before.failover && { failover_units: wanted.failover }) };
  await call("patch", "/v2/resource_instances/{id}", { path: { id: instance }, body: { parameters } });
}

// What the server says its root is, which proves nothing against the server.
export const readServersRoot = async (signal?: AbortSignal): Promise<AttestationRoot> => attestationRoot((await call("get", "/v1/tke/attestation_root", { signal })).data);

let pinned: AttestationRoot | null = null;

// What the administrator pinned on this machine, from `keyhaven console`. It stays the same as long as the page is open.
export async function readPinnedRoot(signal?: AbortSignal): Promise<AttestationRoot> {
  const root = await attestationRoot((await request<Schema<"AttestationRoot">>("get", "/local/attestation-root", { signal })).data);
  if (pinned && !equal(pinned.ski, root.ski)) {
    throw new TkeError("foreign", `the attestation root was ${toHex(pinned.ski)} when this page was opened, and is ${toHex(root.ski)} now: start keyhaven console again, and compare the root with the other administrators`);
  }
  pinned ??= root;
  return pinned;
}

export const openUnit = (instance: string, unit: CryptoUnit, root: AttestationRoot, newest: Newest): Promise<UnitSession> =>
  UnitSession.open(transportTo(instance, unit.hsm_id), targetOf(unit.location, unit.serial_number), root, newest);

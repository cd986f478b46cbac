// Domain attributes: thresholds and permissions of one crypto unit; and its control points. The same as
// src/tke/attributes.cc and control_points.cc.
import { concat, readU32, u32, type Bytes } from "./bytes";
import { malformed } from "./error";

export const PERMISSION = {
  import: 0x1,
  export: 0x2,
  singlePart: 0x4,
  randomKey: 0x8,
  thresholdOfOne: 0x10,
  controlPointsWithOne: 0x20,
  zeroizeWithOne: 0x40,
  doNotDisturb: 0x2000,
} as const;
export type Permission = keyof typeof PERMISSION;

const MAY_CHANGE: Record<number, number> = {
  [PERMISSION.import]: 0x10000,
  [PERMISSION.export]: 0x20000,
  [PERMISSION.singlePart]: 0x40000,
  [PERMISSION.randomKey]: 0x80000,
  [PERMISSION.thresholdOfOne]: 0x400000,
  [PERMISSION.controlPointsWithOne]: 0x800000,
  [PERMISSION.zeroizeWithOne]: 0x1000000,
  [PERMISSION.doNotDisturb]: 0x80000000,
};
const THRESHOLDS_MAY_CHANGE = 0x100000 | 0x200000;
const FRESH = 0x8fff0011;
export const MAX_THRESHOLD = 8;
export const MAX_ADMINISTRATORS = 8;
const PAIR_BYTES = 8;
const MAX_PAIRS = 16;
const LAST_INDEX = 10;

export interface Attributes {
  signatureThreshold: number;
  revocationThreshold: number;
  permissions: number;
  operationalMode: number;
  compliance: number;
}
export const NO_ATTRIBUTES: Attributes = { signatureThreshold: 0, revocationThreshold: 0, permissions: FRESH, operationalMode: 0, compliance: 0 };
export const isImprint = (attributes: Attributes): boolean => attributes.signatureThreshold === 0;

const FIELDS = ["signatureThreshold", "revocationThreshold", "permissions", "operationalMode", "compliance"] as const;

// Index and value of each pair, in order.
export function attributePairs(list: Bytes): [number, number][] {
  if (list.length === 0 || list.length % PAIR_BYTES !== 0 || list.length > MAX_PAIRS * PAIR_BYTES) throw malformed("attribute list: not a list of 1 to 16 pairs");
  const pairs: [number, number][] = [];
  for (let at = 0; at < list.length; at += PAIR_BYTES) {
    const index = readU32(list, at);
    if (index === 0 || index > LAST_INDEX) throw malformed("attribute list: unknown index");
    if (pairs.some(([other]) => other === index)) throw malformed("attribute list: an index twice");
    pairs.push([index, readU32(list, at + 4)]);
  }
  return pairs;
}

export function applyAttributes(base: Attributes, list: Bytes): Attributes {
  const out = { ...base };
  for (const [index, value] of attributePairs(list)) {
    const field = FIELDS[index - 1];
    if (field) out[field] = value;
  }
  return out;
}

// As a command takes them: indexes 1 to 4.
export const encodeAttributes = (attributes: Attributes): Bytes => concat(...FIELDS.slice(0, 4).flatMap((field, index) => [u32(index + 1), u32(attributes[field])]));

// The permissions that a unit of this type is given when it is configured.
export function permissionsFor(type: "operational" | "recovery" | "failover", now: number): number {
  const guard = MAY_CHANGE[PERMISSION.doNotDisturb]!;
  let out = now | PERMISSION.zeroizeWithOne | PERMISSION.import | PERMISSION.singlePart;
  if (type === "recovery") return ((out | PERMISSION.randomKey | PERMISSION.export | PERMISSION.doNotDisturb) & ~guard) >>> 0;
  out &= ~PERMISSION.export;
  return ((out & guard) === 0 ? out : (out | PERMISSION.doNotDisturb) & ~guard) >>> 0;
}

const hex8 = (value: number) => (value >>> 0).toString(16).toUpperCase().padStart(8, "0");

// As the command line says them.
const PERMISSION_NAMES: Record<Permission, string> = {
  import: "import of key parts",
  export: "export of master keys",
  singlePart: "whole key from one administrator",
  randomKey: "random master keys",
  thresholdOfOne: "thresholds of 1",
  controlPointsWithOne: "control points with one signature",
  zeroizeWithOne: "zeroize with one signature",
  doNotDisturb: "do not disturb",
};

// The permissions that are given; bits that say of some that they may still be changed; bits without a name.
export function splitPermissions(permissions: number): { given: Permission[]; mayChange: number; unnamed: number } {
  const all = Object.keys(PERMISSION) as Permission[];
  const known = all.reduce((mask, name) => mask | PERMISSION[name], 0);
  const mayChange = all.reduce((mask, name) => mask | MAY_CHANGE[PERMISSION[name]]!, THRESHOLDS_MAY_CHANGE);
  const left = permissions & ~known;
  return { given: all.filter((name) => (permissions & PERMISSION[name]) !== 0), mayChange: left & mayChange, unnamed: left & ~mayChange };
}

export function permissionsText(permissions: number): string {
  const { given, mayChange, unnamed } = splitPermissions(permissions);
  const names = given.map((name) => PERMISSION_NAMES[name]);
  if (mayChange !== 0) names.push(`may still be changed: ${hex8(mayChange)}`);
  if (unnamed !== 0) names.push(`bits without a name: ${hex8(unnamed)}`);
  return names.length === 0 ? "none" : names.join(", ");
}
export { hex8 };

// ---- control points: 128 bits, bit 0 the highest of the first byte ----

export const CONTROL_POINT_BYTES = 16;
// Allow keys to leave for, or come from, another deployment.
const TRANSFER_BITS = [120, 121];

// What lets control points be changed at all: with both off the set is fixed until the unit is zeroized.
export const MAY_ENABLE = 0;
export const MAY_DISABLE = 1;

export const CONTROL_POINTS: { bit: number; name: string; meaning: string }[] = [
  { bit: 0, name: "XCP_CPB_ADD_CPBS", meaning: "control points may be enabled" },
  { bit: 1, name: "XCP_CPB_DELETE_CPBS", meaning: "control points may be disabled" },
  { bit: 55, name: "XCP_CPB_ALG_EC_25519", meaning: "EdDSA and Curve25519" },
  { bit: 66, name: "XCP_CPB_BTC", meaning: "bitcoin: BIP-32 and SLIP-10 key derivation" },
  { bit: 67, name: "XCP_CPB_ECDSA_OTHER", meaning: "elliptic-curve signatures other than ECDSA and EdDSA" },
  { bit: 120, name: "KH_CPB_TRANSFER_OUT", meaning: "sealed transfer of keys to another deployment" },
  { bit: 121, name: "KH_CPB_TRANSFER_IN", meaning: "sealed transfer of keys from another deployment" },
];
export const hasControlPoint = (points: Uint8Array, bit: number): boolean => (points[bit >> 3]! & (0x80 >> bit % 8)) !== 0;
export function controlPointMask(bit: number): Bytes {
  const mask = new Uint8Array(CONTROL_POINT_BYTES);
  mask[bit >> 3] = 0x80 >> bit % 8;
  return mask;
}
export const controlPointBits = (points: Uint8Array): number[] => Array.from({ length: 8 * CONTROL_POINT_BYTES }, (_, bit) => bit).filter((bit) => hasControlPoint(points, bit));
export const namesTransfer = (mask: Uint8Array): boolean => mask.length === CONTROL_POINT_BYTES && TRANSFER_BITS.some((bit) => hasControlPoint(mask, bit));

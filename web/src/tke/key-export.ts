// The request to export a master key from a recovery unit, and its answer: whoever holds the private half of the key that the
// request names gets the master key. The same as src/tke/key_export.cc.
import { concat, equal, readU32, slice, u32, type Bytes } from "./bytes";
import { DerReader, element, octets, TAG } from "./der";
import { malformed } from "./error";
import { POINT_BYTES, publicKey, type PublicKey } from "./p521";

const HOLDER_BYTES = 309;
const POINT_AT = 44;
const HOLDER_MARKS: [number, number][] = [[36, 0x4b], [37, 1], [38, 1], [41, 0x85], [42, 0x02], [43, 0x09]];
const [EXPORTED, PARTS, HOLDER, SCOPE] = [0x0019, 0x001c, 0x001d, 0x001f];
const ONE_PART = 1;
const KEY_ALONE = 0x0c;
const MAX_PARAMETER_BYTES = 4096;

const u16 = (value: number) => new Uint8Array([value >> 8, value & 0xff]);

function holder(point: Uint8Array): Bytes {
  const out = new Uint8Array(HOLDER_BYTES);
  for (const [at, value] of HOLDER_MARKS) out[at] = value;
  out.set(point, POINT_AT);
  return out;
}

const parameter = (tag: number, aux: number, data: Uint8Array) => octets(concat(u16(tag), u32(aux), data));
const NOTHING = new Uint8Array(0);

export const makeExportRequest = (point: Uint8Array): Bytes =>
  element(TAG.sequence, parameter(PARTS, ONE_PART, NOTHING), parameter(HOLDER, 0, holder(point)), parameter(SCOPE, KEY_ALONE, NOTHING));

// Tag, auxiliary number and data of each parameter.
function parametersOf(map: Bytes, what: string): Map<number, { aux: number; data: Bytes }> {
  const outer = new DerReader(map, what);
  const entries = outer.enter(TAG.sequence);
  outer.end();
  const found = new Map<number, { aux: number; data: Bytes }>();
  while (!entries.atEnd) {
    const entry = entries.octets();
    if (entry.length < 6 || entry.length > MAX_PARAMETER_BYTES) throw malformed(what);
    const tag = (entry[0]! << 8) | entry[1]!;
    if (found.has(tag)) throw malformed(`${what}: a parameter twice`);
    found.set(tag, { aux: readU32(entry, 2), data: slice(entry, 6) });
  }
  return found;
}

export async function exportTarget(input: Bytes): Promise<PublicKey> {
  const what = "key export";
  const found = parametersOf(input, what);
  const [parts, certificate, scope] = [found.get(PARTS), found.get(HOLDER), found.get(SCOPE)];
  const isWhole = found.size === 3 && parts?.aux === ONE_PART && certificate?.aux === 0 && scope?.aux === KEY_ALONE;
  if (!isWhole || parts.data.length > 0 || scope.data.length > 0 || certificate.data.length !== HOLDER_BYTES) throw malformed(what);
  const key = await publicKey(slice(certificate.data, POINT_AT, POINT_AT + POINT_BYTES));
  // Nothing in it is signed, so nothing that is not understood may pass.
  if (!equal(holder(key.point), certificate.data)) throw malformed(what);
  return key;
}

// The RecipientInfo in the answer: the key, sealed to the one that the request named.
export function exportedKey(output: Bytes): Bytes {
  const what = "answer to a key export";
  const found = parametersOf(output, what);
  const exported = found.get(EXPORTED);
  if (found.size !== 1 || exported?.aux !== 0) throw malformed(what);
  return exported.data;
}

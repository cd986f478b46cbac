// P-521 by WebCrypto: public keys, signatures with SHA-512 in the protocol's forms, and the identifiers of keys.
import { concat, equal, fromHex, sha256, slice, type Bytes } from "./bytes";
import { DerReader, element, sequence, TAG } from "./der";
import { malformed } from "./error";

export const POINT_BYTES = 133;
export const COORDINATE_BYTES = 66;
export const SPKI_BYTES = 158;
const ECDSA = { name: "ECDSA", namedCurve: "P-521" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-512" } as const;
// SEQUENCE { SEQUENCE { ecPublicKey, secp521r1 }, BIT STRING: everything before the point.
const SPKI_HEAD = fromHex("30819b301006072a8648ce3d020106052b8104002303818600")!;

export interface PublicKey {
  // 04 ‖ X ‖ Y
  point: Bytes;
  key: CryptoKey;
}

// Throws "malformed" for what is no point of the curve.
export async function publicKey(point: Bytes): Promise<PublicKey> {
  if (point.length !== POINT_BYTES || point[0] !== 4) throw malformed("P-521 key");
  try {
    return { point, key: await crypto.subtle.importKey("raw", point, ECDSA, true, ["verify"]) };
  } catch {
    throw malformed("P-521 key");
  }
}

export const isP521Spki = (spki: Uint8Array): boolean => spki.length === SPKI_BYTES && equal(spki.slice(0, SPKI_HEAD.length), SPKI_HEAD);

export async function publicKeyOfSpki(spki: Bytes): Promise<PublicKey> {
  if (!isP521Spki(spki)) throw malformed("P-521 key");
  return publicKey(slice(spki, SPKI_BYTES - POINT_BYTES));
}
export const spkiOf = (point: Uint8Array): Bytes => concat(SPKI_HEAD, point);

// Subject key identifier of administrators, modules and roots; importer keys are named without the 04.
export const skiOf = (point: Uint8Array): Promise<Bytes> => sha256(point);
export const shortSkiOf = (point: Uint8Array): Promise<Bytes> => sha256(point.slice(1));

function unsigned(number: Uint8Array): Bytes {
  let from = 0;
  while (from < number.length - 1 && number[from] === 0) from += 1;
  const digits = number.slice(from);
  return digits[0]! & 0x80 ? concat(new Uint8Array([0]), digits) : new Uint8Array(digits);
}

// r ‖ s of WebCrypto to SEQUENCE { r, s }.
export const signatureToDer = (raw: Uint8Array): Bytes =>
  sequence(element(TAG.integer, unsigned(raw.slice(0, COORDINATE_BYTES))), element(TAG.integer, unsigned(raw.slice(COORDINATE_BYTES))));

function coordinate(reader: DerReader): Bytes {
  const number = reader.read(TAG.integer);
  const isMinimal = number.length === 1 || number[0] !== 0 || (number[1]! & 0x80) !== 0;
  if (number.length === 0 || (number[0]! & 0x80) !== 0 || !isMinimal) throw malformed("signature");
  const digits = number[0] === 0 ? number.slice(1) : number;
  if (digits.length > COORDINATE_BYTES) throw malformed("signature");
  const out = new Uint8Array(COORDINATE_BYTES);
  out.set(digits, COORDINATE_BYTES - digits.length);
  return out;
}

export function signatureFromDer(der: Bytes): Bytes {
  const outer = new DerReader(der, "signature");
  const fields = outer.enter(TAG.sequence);
  const raw = concat(coordinate(fields), coordinate(fields));
  fields.end();
  outer.end();
  return raw;
}

export const verifyRaw = (key: PublicKey, message: Bytes, signature: Bytes): Promise<boolean> => crypto.subtle.verify(SIGNATURE, key.key, signature, message);

export async function verifyDer(key: PublicKey, message: Bytes, signature: Bytes): Promise<boolean> {
  try {
    return await verifyRaw(key, message, signatureFromDer(signature));
  } catch {
    return false;
  }
}

export const signDer = async (key: CryptoKey, message: Bytes): Promise<Bytes> => signatureToDer(new Uint8Array(await crypto.subtle.sign(SIGNATURE, key, message)));

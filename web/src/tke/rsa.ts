// RSA-2048 keys of administrators of older installations: they verify and sign; none is made. The signature is the plain
// operation on an ANSI X9.31 block, which WebCrypto does not have. Format: docs/protocols/tke.md.
//
// The private operation is done on big integers, whose time depends on their values: so it works on a blinded block (Kocher),
// and what it gives is verified before anybody sees it, because one wrong result would tell the factors (Boneh, DeMillo,
// Lipton). Big integers cannot be wiped: the private numbers stay in the page's memory until it is left.
import { concat, equal, fromHex, sha256, toHex, type Bytes } from "./bytes";
import { bitString, DerReader, element, sequence, TAG } from "./der";
import { malformed, TkeError } from "./error";

const MODULUS_BYTES = 256;
const EXPONENT = new Uint8Array([1, 0, 1]);
const RSA_ENCRYPTION = fromHex("06092a864886f70d0101010500")!;

export interface RsaKey {
  modulus: Bytes;
}

export function parseRsaSpki(spki: Bytes): RsaKey {
  const what = "administrator key: neither P-521 nor RSA-2048 with exponent 65537";
  const outer = new DerReader(spki, what);
  const info = outer.enter(TAG.sequence);
  info.expect(TAG.sequence, RSA_ENCRYPTION);
  const wrapped = new DerReader(info.bitString(), what);
  const numbers = wrapped.enter(TAG.sequence);
  const modulus = numbers.read(TAG.integer);
  numbers.expect(TAG.integer, EXPONENT);
  for (const reader of [outer, info, wrapped, numbers]) reader.end();
  if (modulus.length !== MODULUS_BYTES + 1 || modulus[0] !== 0 || (modulus[1]! & 0x80) === 0) throw malformed(what);
  return { modulus: modulus.slice(1) };
}

// RSAPublicKey (RFC 8017, appendix A.1.1).
const rsaPublicKey = ({ modulus }: RsaKey): Bytes => sequence(element(TAG.integer, concat(new Uint8Array([0]), modulus)), element(TAG.integer, EXPONENT));
export const rsaSki = (key: RsaKey): Promise<Bytes> => sha256(rsaPublicKey(key));
export const rsaSpki = (key: RsaKey): Bytes => sequence(element(TAG.sequence, RSA_ENCRYPTION), bitString(rsaPublicKey(key)));

const toNumber = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);

function power65537(base: bigint, modulus: bigint): bigint {
  let square = base;
  for (let bit = 0; bit < 16; bit += 1) square = (square * square) % modulus;
  return (square * base) % modulus;
}

const toBytes = (number: bigint): Bytes => fromHex(number.toString(16).padStart(2 * MODULUS_BYTES, "0"))!;

// 6B BB…BB BA ‖ SHA-256 ‖ 34 CC: smaller than any modulus of 2048 bits.
async function x931Block(message: Bytes): Promise<Bytes> {
  const block = new Uint8Array(MODULUS_BYTES).fill(0xbb);
  block[0] = 0x6b;
  block[MODULUS_BYTES - 35] = 0xba;
  block.set(await sha256(message), MODULUS_BYTES - 34);
  block.set([0x34, 0xcc], MODULUS_BYTES - 2);
  return block;
}

export async function verifyX931({ modulus }: RsaKey, message: Bytes, signature: Bytes): Promise<boolean> {
  if (signature.length !== MODULUS_BYTES) return false;
  const [n, s] = [toNumber(modulus), toNumber(signature)];
  return s < n && equal(toBytes(power65537(s, n)), await x931Block(message));
}

// ---- signing ----

export interface RsaPrivateKey extends RsaKey {
  // The factors, d mod p - 1, d mod q - 1, and the inverse of q mod p.
  p: bigint;
  q: bigint;
  dp: bigint;
  dq: bigint;
  inverse: bigint;
}

// RSAPrivateKey (RFC 8017, appendix A.1.2).
export function parsePkcs1(der: Bytes): RsaPrivateKey {
  const what = "RSA-2048 private key";
  const outer = new DerReader(der, what);
  const fields = outer.enter(TAG.sequence);
  fields.expect(TAG.integer, new Uint8Array([0]));
  const modulus = fields.read(TAG.integer);
  fields.expect(TAG.integer, EXPONENT);
  fields.read(TAG.integer).fill(0);
  const [p, q, dp, dq, inverse] = Array.from({ length: 5 }, () => {
    const bytes = fields.read(TAG.integer);
    if (bytes.length === 0 || bytes.length > MODULUS_BYTES) throw malformed(what);
    const number = toNumber(bytes);
    bytes.fill(0);
    return number;
  }) as [bigint, bigint, bigint, bigint, bigint];
  for (const reader of [fields, outer]) reader.end();
  const isRsa = modulus.length === MODULUS_BYTES + 1 && modulus[0] === 0 && (modulus[1]! & 0x80) !== 0 && p * q === toNumber(modulus);
  if (!isRsa) throw malformed(what);
  return { modulus: modulus.slice(1), p, q, dp, dq, inverse };
}

// Both products of each bit are computed, and one is taken.
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let pair: [bigint, bigint] = [1n, base % modulus];
  for (const bit of exponent.toString(2)) {
    const product = (pair[0] * pair[1]) % modulus;
    pair = bit === "1" ? [product, (pair[1] * pair[1]) % modulus] : [(pair[0] * pair[0]) % modulus, product];
  }
  return pair[0];
}

function inverseOf(number: bigint, modulus: bigint): bigint {
  let [rest, next, at, after] = [modulus, number % modulus, 0n, 1n];
  while (next !== 0n) {
    const quotient = rest / next;
    [rest, next] = [next, rest - quotient * next];
    [at, after] = [after, at - quotient * after];
  }
  return at < 0n ? at + modulus : at;
}

export async function signX931(key: RsaPrivateKey, message: Bytes): Promise<Bytes> {
  const n = toNumber(key.modulus);
  const blinding = toNumber(crypto.getRandomValues(new Uint8Array(MODULUS_BYTES))) % n;
  const blinded = (toNumber(await x931Block(message)) * power65537(blinding, n)) % n;
  const [ofP, ofQ] = [power(blinded, key.dp, key.p), power(blinded, key.dq, key.q)];
  const difference = (((ofP - ofQ) % key.p) + key.p) % key.p;
  const signed = ofQ + key.q * ((key.inverse * difference) % key.p);
  const signature = toBytes((signed * inverseOf(blinding, n)) % n);
  if (!(await verifyX931(key, message, signature))) throw new TkeError("keyFile", "the RSA key does not sign rightly: its file is damaged");
  return signature;
}

// RSA-2048 keys of administrators of older installations: verified with, never signed with. The signature is the plain
// operation on an ANSI X9.31 block, which WebCrypto does not have; the public operation on public numbers needs no care
// about time. Format: docs/protocols/tke.md.
import { concat, equal, fromHex, sha256, toHex, type Bytes } from "./bytes";
import { DerReader, element, sequence, TAG } from "./der";
import { malformed } from "./error";

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

export const rsaSki = ({ modulus }: RsaKey): Promise<Bytes> =>
  sha256(sequence(element(TAG.integer, concat(new Uint8Array([0]), modulus)), element(TAG.integer, EXPONENT)));

const toNumber = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);

function power65537(base: bigint, modulus: bigint): bigint {
  let square = base;
  for (let bit = 0; bit < 16; bit += 1) square = (square * square) % modulus;
  return (square * base) % modulus;
}

export async function verifyX931({ modulus }: RsaKey, message: Bytes, signature: Bytes): Promise<boolean> {
  const [n, s] = [toNumber(modulus), toNumber(signature)];
  if (signature.length !== MODULUS_BYTES || s >= n) return false;
  const block = new Uint8Array(MODULUS_BYTES).fill(0xbb);
  block[0] = 0x6b;
  block[MODULUS_BYTES - 35] = 0xba;
  block.set(await sha256(message), MODULUS_BYTES - 34);
  block.set([0x34, 0xcc], MODULUS_BYTES - 2);
  const opened = fromHex(power65537(s, n).toString(16).padStart(2 * MODULUS_BYTES, "0"));
  return opened !== undefined && equal(opened, block);
}

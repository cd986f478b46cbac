// PEM and base64 on bytes: a private key must not become a text, which no page can wipe.
import { concat, fromHex, slice, utf8, type Bytes } from "./bytes";
import { DerReader, bitString, element, octets, sequence, TAG } from "./der";
import { malformed } from "./error";
import { COORDINATE_BYTES, POINT_BYTES } from "./p521";

const ALPHABET = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const LINE = 64;
const PADDING = 0x3d;
const DASH = 0x2d;

export function pemOf(label: string, der: Uint8Array): Bytes {
  const digits = 4 * Math.ceil(der.length / 3);
  const body = new Uint8Array(digits + Math.ceil(digits / LINE));
  let at = 0;
  let onLine = 0;
  const put = (byte: number) => {
    body[at++] = byte;
    if (++onLine === LINE) {
      body[at++] = 0x0a;
      onLine = 0;
    }
  };
  for (let from = 0; from < der.length; from += 3) {
    const [a, b, c] = [der[from]!, der[from + 1], der[from + 2]];
    put(ALPHABET[a >> 2]!);
    put(ALPHABET[((a & 3) << 4) | ((b ?? 0) >> 4)]!);
    put(b === undefined ? PADDING : ALPHABET[((b & 15) << 2) | ((c ?? 0) >> 6)]!);
    put(c === undefined ? PADDING : ALPHABET[c & 63]!);
  }
  if (onLine > 0) body[at++] = 0x0a;
  const out = concat(utf8(`-----BEGIN ${label}-----\n`), body.subarray(0, at), utf8(`-----END ${label}-----\n`));
  body.fill(0);
  return out;
}

// The bytes between the first two lines of dashes.
export function derOfPem(pem: Uint8Array): Bytes {
  const begin = pem.indexOf(0x0a);
  const end = pem.indexOf(DASH, begin);
  if (pem[0] !== DASH || begin < 0 || end < 0) throw malformed("PEM text");
  const out = new Uint8Array(Math.ceil(((end - begin) * 3) / 4));
  let [at, bits, value] = [0, 0, 0];
  for (const byte of pem.subarray(begin, end)) {
    if (byte === 0x0a || byte === 0x0d || byte === PADDING) continue;
    const digit = ALPHABET.indexOf(byte);
    if (digit < 0) throw malformed("PEM text");
    value = ((value << 6) | digit) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[at++] = (value >> bits) & 0xff;
  }
  const der = slice(out, 0, at);
  out.fill(0);
  return der;
}

// ---- SEC 1 and PKCS #8: key files hold the one, WebCrypto takes the other ----

const OID_EC_PUBLIC_KEY = fromHex("06072a8648ce3d0201")!;
const OID_P521 = fromHex("06052b81040023")!;
const ONE = new Uint8Array([1]);
const TAG_PARAMETERS = 0xa0;
const TAG_PUBLIC = 0xa1;

export interface EcPrivate {
  secret: Bytes;
  point: Bytes;
}

// The public key must be in it, as every known writer has it.
export function parseSec1(der: Bytes): EcPrivate {
  const outer = new DerReader(der, "P-521 private key");
  const fields = outer.enter(TAG.sequence);
  fields.expect(TAG.integer, ONE);
  const secret = fields.octets(COORDINATE_BYTES);
  if (fields.peekTag() === TAG_PARAMETERS) fields.expect(TAG_PARAMETERS, OID_P521);
  const wrapped = fields.enter(TAG_PUBLIC);
  const point = wrapped.bitString();
  for (const reader of [wrapped, fields, outer]) reader.end();
  if (point.length !== POINT_BYTES) throw malformed("P-521 private key");
  return { secret, point };
}

export const encodeSec1 = ({ secret, point }: EcPrivate): Bytes =>
  sequence(element(TAG.integer, ONE), octets(secret), element(TAG_PARAMETERS, OID_P521), element(TAG_PUBLIC, bitString(point)));

export function pkcs8OfSec1(sec1: Uint8Array): Bytes {
  return sequence(element(TAG.integer, new Uint8Array([0])), sequence(OID_EC_PUBLIC_KEY, OID_P521), octets(sec1));
}

export function sec1OfPkcs8(pkcs8: Bytes): Bytes {
  const outer = new DerReader(pkcs8, "P-521 private key");
  const fields = outer.enter(TAG.sequence);
  fields.read(TAG.integer);
  fields.read(TAG.sequence);
  return fields.octets();
}

// The inputs of the three commands that a sealed transfer between two deployments needs, for describing them: the same
// as src/tke/transfer.cc reads.
import { readU32, slice, textOf, toHex, type Bytes } from "./bytes";
import { verifyChain } from "./attestation";
import { malformed, TkeError } from "./error";
import { POINT_BYTES, publicKey, publicKeyOfSpki, skiOf, SPKI_BYTES, verifyDer, type PublicKey } from "./p521";

const VERSION = 1;
const OFFER_MAGIC = "keyhaven transfer offer 1\n";
export const MAX_OFFER_BYTES = 2048;
const MAX_CERTIFICATE_BYTES = 16 * 1024;
const MAX_SIGNATURE_BYTES = 144;

export class Reader {
  at = 0;
  constructor(
    private readonly bytes: Bytes,
    private readonly what: string,
  ) {}
  raw(size: number): Bytes {
    if (size > this.bytes.length - this.at) throw malformed(this.what);
    this.at += size;
    return slice(this.bytes, this.at - size, this.at);
  }
  u8 = () => this.raw(1)[0]!;
  u32 = () => readU32(this.raw(4));
  bytes32(limit: number): Bytes {
    const size = this.u32();
    if (size > limit) throw malformed(this.what);
    return this.raw(size);
  }
  uuid(): string {
    return toHex(this.raw(16)).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }
  // Microseconds since 1970 as RFC 3339 with seconds.
  time(): string {
    const bytes = this.raw(8);
    const seconds = Number(new DataView(bytes.buffer).getBigInt64(0) / 1_000_000n);
    const date = new Date(seconds * 1000);
    return Number.isNaN(date.getTime()) ? `${seconds} s` : `${date.toISOString().slice(0, 19)}Z`;
  }
  end(): void {
    if (this.at !== this.bytes.length) throw malformed(this.what);
  }
}

function start(bytes: Bytes, what: string): Reader {
  const reader = new Reader(bytes, what);
  if (reader.u8() !== VERSION) throw malformed(what);
  return reader;
}

export async function parseOffer(bytes: Bytes) {
  const reader = start(bytes, "offer to take keys");
  const root = reader.bytes32(SPKI_BYTES);
  const out = { source: reader.uuid(), target: reader.uuid(), expires: reader.time(), sourceRoot: await publicKeyOfSpki(root) };
  reader.end();
  return out;
}

export async function parseAuthorization(bytes: Bytes) {
  const reader = start(bytes, "permission to send keys");
  const root = reader.bytes32(SPKI_BYTES);
  const out = { source: reader.uuid(), expires: reader.time(), offer: reader.bytes32(MAX_OFFER_BYTES), targetRoot: await publicKeyOfSpki(root) };
  reader.end();
  return out;
}

export function parseConsent(bytes: Bytes) {
  const reader = start(bytes, "consent to keys");
  const out = { id: reader.uuid(), manifest: reader.raw(32), keys: reader.u32() };
  reader.end();
  return out;
}

// An offer signed by a module whose certificate leads to `root`.
export async function verifyOffer(encoded: Bytes, root: PublicKey) {
  const reader = new Reader(encoded, "offer of another deployment");
  if (textOf(reader.raw(OFFER_MAGIC.length)) !== OFFER_MAGIC) throw malformed("offer of another deployment");
  const certificate = reader.bytes32(MAX_CERTIFICATE_BYTES);
  const content = { id: reader.uuid(), target: reader.uuid(), source: reader.uuid(), sourceRoot: reader.raw(32), expires: reader.time(), importKey: reader.raw(POINT_BYTES) };
  const signedPart = slice(encoded, 0, reader.at);
  const signature = reader.bytes32(MAX_SIGNATURE_BYTES);
  reader.end();
  const module = await verifyChain([certificate], { ski: await skiOf(root.point), key: root });
  if (!(await verifyDer(module.key, signedPart, signature))) throw new TkeError("untrusted", "the offer is not signed by the module that it names; it was altered, or is a forgery");
  await publicKey(content.importKey);
  return { ...content, moduleKey: module.key };
}

// What the quorums of a sealed transfer are asked to sign, made from files and verified before: the same checks as
// src/cli/transfer_review.cc and src/migrate/transfer_bundle.cc. Formats: docs/protocols/transfer.md, transfer-bundle.md.
import { attestationRoot, verifyChain, type AttestationRoot } from "./attestation";
import { concat, equal, fromBase64, fromHex, sha256, slice, textOf, toBase64, toHex, u32, type Bytes } from "./bytes";
import { TkeError } from "./error";
import { POINT_BYTES, publicKey, skiOf, spkiOf, verifyDer, type PublicKey } from "./p521";
import { MAX_OFFER_BYTES, Reader, verifyOffer } from "./transfer";

const OFFER = "KEYHAVEN TRANSFER OFFER";
const LINE = 64;
const MAX_ROOT_BYTES = 4096;
const BUNDLE_MAGIC = "keyhaven transfer bundle 1\n";
const MANIFEST_MAGIC = "keyhaven transfer manifest 1\n";
const MAX_PART_BYTES = 8 << 20;
const MAX_CHUNK_BYTES = 131_072;
const MAX_CHUNKS = 4096;
// Chunks, and as much again for the lists of keys.
const MAX_BUNDLE_BYTES = 2 * MAX_CHUNKS * MAX_CHUNK_BYTES;
const MAX_TEXT_BYTES = 2048;
const MOST_LISTED = 500;
const MAX_CERTIFICATE_BYTES = 16 * 1024;
const MAX_SIGNATURE_BYTES = 144;
const DIGEST_BYTES = 32;
export const MAX_HOURS = 7 * 24;

const wrong = (what: string) => new TkeError("transfer", what);
const bytes32 = (bytes: Uint8Array) => concat(u32(bytes.length), bytes);
const VERSION = new Uint8Array([1]);

// ---- files ----

// Three lines SKI, X, Y, as `keyhaven tke attestation` prints them.
export async function rootOfText(text: string): Promise<AttestationRoot> {
  const field = (name: string) => new RegExp(`^${name}:\\s*([0-9a-fA-F]+)\\s*$`, "m").exec(text)?.[1] ?? "";
  if (text.length > MAX_ROOT_BYTES || !field("SKI")) throw wrong("this file holds no attestation root. The other deployment prints its root with \"keyhaven tke attestation\"");
  return attestationRoot({ ski: field("SKI"), x: field("X"), y: field("Y") });
}

export function offerText(offer: Bytes): string {
  const lines = toBase64(offer).match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return [`-----BEGIN ${OFFER}-----`, ...lines, `-----END ${OFFER}-----`, ""].join("\n");
}

export function offerOfText(text: string): Bytes {
  const [, before, after] = text.split(new RegExp(`-----(?:BEGIN|END) ${OFFER}-----`));
  const base64 = (before ?? "").replace(/\s/g, "");
  if (after === undefined || base64 === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw wrong("no offer to take keys is in this file");
  const offer = fromBase64(base64);
  if (offer.length > MAX_OFFER_BYTES) throw wrong("no offer to take keys is in this file");
  return offer;
}

export const isInstanceId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
function uuid(text: string): Bytes {
  if (!isInstanceId(text)) throw wrong("the id of an instance is a UUID");
  return fromHex(text.replaceAll("-", ""))!;
}

// ---- inputs of the commands ----

// Whole seconds, in the microseconds of the format.
function expiry(now: number, hours: number, atMost = Number.POSITIVE_INFINITY): Bytes {
  const seconds = Math.min(Math.floor(now / 1000) + Math.round(hours * 3600), Math.floor(atMost / 1000));
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigInt64(0, BigInt(seconds) * 1_000_000n);
  return out;
}

export const offerInput = (sourceRoot: AttestationRoot, source: string, target: string, now: number, hours: number): Bytes =>
  concat(VERSION, bytes32(spkiOf(sourceRoot.key.point)), uuid(source), uuid(target), expiry(now, hours));

// The offer is verified with the root of the deployment that made it, and is for this instance of this deployment.
export async function authorizationInput(offer: Bytes, targetRoot: AttestationRoot, source: string, ownRoot: AttestationRoot, now: number, hours: number): Promise<Bytes> {
  const content = await verifyOffer(offer, targetRoot.key);
  if (content.source !== source) throw wrong(`the offer takes keys of instance ${content.source}, not of ${source}: choose that instance, or ask for an offer for this one`);
  if (!equal(content.sourceRoot, ownRoot.ski)) {
    throw wrong(`the offer takes keys of the deployment with attestation root ${toHex(content.sourceRoot)}; this one has ${toHex(ownRoot.ski)}: the target's administrators were given another root`);
  }
  const ends = Date.parse(content.expires);
  if (!(ends > now)) throw wrong(`the offer ended at ${content.expires}: the target's administrators make a new one`);
  return concat(VERSION, bytes32(spkiOf(targetRoot.key.point)), uuid(source), expiry(now, hours, ends), bytes32(offer));
}

// ---- the bundle ----

export interface ListedKey {
  id: string;
  name: string;
  kind: string;
  versions: number;
}

export interface LeftOutKey {
  id: string;
  name: string;
  code: string;
  reason: string;
}

// What the source's server says is in the bundle: no unit signs it. Of many the first are kept.
interface Listed {
  keys: ListedKey[];
  leftOut: LeftOutKey[];
  leftOutCount: number;
}

interface Bundle extends Listed {
  transfer: string;
  source: string;
  target: string;
  offer: Bytes;
  chunks: Bytes[];
  count: number;
  manifest: Bytes;
}

const damaged = (what: string) => wrong(`the bundle is damaged: ${what}; fetch the file again from where it was made`);

async function readParts(file: Bytes): Promise<{ type: number; content: Bytes }[]> {
  const reader = new Reader(file, "bundle of keys");
  if (file.length < BUNDLE_MAGIC.length || textOf(reader.raw(BUNDLE_MAGIC.length)) !== BUNDLE_MAGIC) throw wrong("this file is no bundle of keys");
  const parts = [];
  while (reader.at < file.length) {
    const from = reader.at;
    const type = reader.u8();
    const content = reader.bytes32(MAX_PART_BYTES);
    const covered = file.subarray(from, reader.at);
    if (!equal(reader.raw(DIGEST_BYTES), await sha256(covered))) throw damaged("a checksum is wrong");
    parts.push({ type, content });
  }
  return parts;
}

function readLists(reader: Reader, listed: Listed): number {
  const text = () => textOf(reader.bytes32(MAX_TEXT_BYTES));
  const keys = reader.u32();
  for (let at = 0; at < keys; at += 1) {
    const key = { id: reader.uuid(), name: text(), kind: text(), versions: reader.u32() };
    if (listed.keys.length < MOST_LISTED) listed.keys.push(key);
  }
  const left = reader.u32();
  for (let at = 0; at < left; at += 1) {
    const key = { id: reader.uuid(), name: text(), code: text(), reason: text() };
    if (listed.leftOut.length < MOST_LISTED) listed.leftOut.push(key);
  }
  listed.leftOutCount += left;
  return keys;
}

// Digest of the step's chunk (null: it has none) and how many keys are in it.
async function readStep(content: Bytes, index: number, listed: Listed): Promise<{ digest: Bytes | null; keys: number; isLast: boolean }> {
  const reader = new Reader(content, "bundle of keys");
  if (reader.u32() !== index) throw damaged("its chunks are not in order");
  const chunk = reader.bytes32(MAX_CHUNK_BYTES);
  const digest = reader.raw(DIGEST_BYTES);
  reader.raw(DIGEST_BYTES);
  const isLast = reader.u8() === 0;
  reader.uuid();
  const keys = readLists(reader, listed);
  reader.end();
  if ((chunk.length === 0) !== (keys === 0)) throw damaged("a chunk and its list of keys do not fit");
  if (chunk.length > 0 && !equal(await sha256(chunk), digest)) throw damaged("a chunk is not what its digest says");
  return { digest: chunk.length > 0 ? digest : null, keys, isLast };
}

export async function readBundle(file: Bytes): Promise<Bundle> {
  const [head, ...rest] = await readParts(file);
  const manifest = rest.pop();
  if (head?.type !== 1 || manifest?.type !== 3 || rest.length === 0 || rest.some(({ type }) => type !== 2)) throw damaged("it is not whole");
  const reader = new Reader(head.content, "bundle of keys");
  const out: Bundle = { transfer: reader.uuid(), source: reader.uuid(), target: reader.uuid(), offer: reader.bytes32(2 * MAX_OFFER_BYTES), chunks: [], count: 0, keys: [], leftOut: [], leftOutCount: 0, manifest: manifest.content };
  reader.end();
  for (const [at, { content }] of rest.entries()) {
    const step = await readStep(content, out.chunks.length, out);
    if (step.isLast !== (at === rest.length - 1)) throw damaged("it is not whole");
    if (step.digest) out.chunks.push(step.digest);
    out.count += step.keys;
    if (out.chunks.length > MAX_CHUNKS) throw damaged("it has too many chunks");
  }
  return out;
}

async function verifyManifest(encoded: Bytes, root: AttestationRoot) {
  const what = "manifest of another deployment";
  const reader = new Reader(encoded, what);
  if (encoded.length < MANIFEST_MAGIC.length || textOf(reader.raw(MANIFEST_MAGIC.length)) !== MANIFEST_MAGIC) throw damaged("it has no manifest");
  const certificate = reader.bytes32(MAX_CERTIFICATE_BYTES);
  const content = { offer: reader.raw(DIGEST_BYTES), id: reader.uuid(), source: reader.uuid(), target: reader.uuid(), ephemeral: reader.raw(POINT_BYTES), keys: reader.u32() };
  const count = reader.u32();
  if (count < 1 || count > MAX_CHUNKS) throw damaged("it has too many chunks, or none");
  const chunks = Array.from({ length: count }, () => reader.raw(DIGEST_BYTES));
  const signedPart = slice(encoded, 0, reader.at);
  const signature = reader.bytes32(MAX_SIGNATURE_BYTES);
  reader.end();
  const module = await verifyChain([certificate], root);
  if (!(await verifyDer(module.key, signedPart, signature))) throw wrong("the bundle's manifest is not signed by the module that it names; it was altered, or is a forgery");
  await publicKey(content.ephemeral);
  return { ...content, chunks, moduleKey: module.key };
}

const forged = (what: string) => wrong(`${what}. Do not use it, and ask the other deployment's administrators`);

// What those who consent are shown. Root and module are SKIs, all digests hexadecimal.
export interface ConsentReview extends Listed {
  transfer: string;
  source: string;
  sourceRoot: string;
  module: string;
  target: string;
  count: number;
  manifest: string;
}

export interface Consent {
  input: Bytes;
  review: ConsentReview;
  // Of the module that made the offer: only its unit opens the bundle.
  offeredBy: PublicKey;
}

// The bundle is what the source's unit signed, and was made for the offer of this instance that is in it.
export async function consentOf(file: Bytes, sourceRoot: AttestationRoot, target: string, ownRoot: AttestationRoot): Promise<Consent> {
  const bundle = await readBundle(file);
  const offer = await verifyOffer(bundle.offer, ownRoot.key);
  const manifest = await verifyManifest(bundle.manifest, sourceRoot);
  const same = (isSame: boolean, what: string) => {
    if (!isSame) throw forged(`the bundle is not what its source signed: ${what}`);
  };
  same(manifest.id === bundle.transfer && manifest.source === bundle.source && manifest.target === bundle.target, "it names another transfer, or other instances");
  same(equal(manifest.offer, await sha256(bundle.offer)), "it was made for another offer");
  same(manifest.chunks.map(toHex).join(" ") === bundle.chunks.map(toHex).join(" "), "its chunks are others");
  same(manifest.keys === bundle.count, "it lists another number of keys");
  if (offer.target !== target) throw wrong(`the bundle is for instance ${offer.target}, not for ${target}: choose that instance`);
  if (!equal(offer.sourceRoot, sourceRoot.ski)) throw forged(`the offer takes keys of the deployment with attestation root ${toHex(offer.sourceRoot)}, the bundle comes from ${toHex(await skiOf(sourceRoot.key.point))}`);
  if (manifest.id !== offer.id || manifest.source !== offer.source || manifest.target !== offer.target) throw forged("the bundle was not made for the offer that is in it");
  const digest = await sha256(bundle.manifest);
  const { keys, leftOut, leftOutCount, count } = bundle;
  return {
    input: concat(VERSION, uuid(manifest.id), digest, u32(manifest.keys)),
    review: { transfer: manifest.id, source: manifest.source, sourceRoot: toHex(sourceRoot.ski), module: toHex(await skiOf(manifest.moduleKey.point)), target, count, manifest: toHex(digest), keys, leftOut, leftOutCount },
    offeredBy: offer.moduleKey,
  };
}

// What a unit answered to the first command, as a file for the source's administrators.
export async function offerFile(output: Bytes, ownRoot: AttestationRoot, target: string): Promise<{ name: string; text: string }> {
  const offer = await verifyOffer(output, ownRoot.key);
  if (offer.target !== target) throw wrong("the crypto unit made an offer for another instance");
  return { name: `offer-${offer.id.slice(0, 8)}.txt`, text: offerText(output) };
}
export async function bundleBytes(file: Blob): Promise<Bytes> {
  if (file.size > MAX_BUNDLE_BYTES) throw wrong("the bundle is larger than any of 4,096 chunks");
  return new Uint8Array(await file.arrayBuffer());
}

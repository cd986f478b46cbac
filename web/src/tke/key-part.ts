// Key parts of a master key: their pattern, their combination, and how one is sealed to a unit's importer key so that
// nobody on the way can read it. Format: docs/protocols/tke.md, "Key parts"; the same as src/tke/key_part.cc.
import { equal, fromHex, sha256, u32, type Bytes } from "./bytes";
import { bitString, DerReader, element, octets, octetsU32, sequence, TAG } from "./der";
import { malformed, TkeError } from "./error";
import { shortSkiOf, type PublicKey } from "./p521";

export const KEY_BYTES = 32;
export const MAX_KEY_PARTS = 16;
export const PATTERN_BYTES = 32;
// The last four bytes are zero in ours and were not in old modules': they are not compared.
const COMPARED_BYTES = 28;
const UKM_BYTES = 40;
const WRAPPED_BYTES = 40;
const SHARED_BITS = 528;
export const RECIPIENT_INFO_BYTES = 313;

const OID_EC_PUBLIC_KEY = fromHex("06072a8648ce3d0201")!;
const OID_STDDH_SHA256_KDF = fromHex("06062b8104010b01")!;
const AES256_WRAP = fromHex("060960864801650304012d0500")!;
const ECDH = { name: "ECDH", namedCurve: "P-521" } as const;

export async function verificationPattern(key: Uint8Array): Promise<Bytes> {
  if (key.length !== KEY_BYTES) throw new TkeError("parts", "a key part has 32 bytes");
  const out = await sha256(new Uint8Array([1]), key);
  out.fill(0, COMPARED_BYTES);
  return out;
}

export const samePattern = (a: Uint8Array, b: Uint8Array): boolean => equal(a.slice(0, COMPARED_BYTES), b.slice(0, COMPARED_BYTES));

export function combineParts(parts: readonly Uint8Array[]): Bytes {
  if (parts.length === 0 || parts.length > MAX_KEY_PARTS) throw new TkeError("parts", "a master key is made of 1 to 16 key parts");
  const out = new Uint8Array(KEY_BYTES);
  for (const part of parts) {
    if (part.length !== KEY_BYTES) throw new TkeError("parts", "a key part has 32 bytes");
    for (let at = 0; at < KEY_BYTES; at += 1) out[at] = out[at]! ^ part[at]!;
  }
  return out;
}

// ECC-CMS-SharedInfo, RFC 5753 section 7.2.
const sharedInfo = (ukm: Uint8Array) =>
  sequence(element(TAG.sequence, AES256_WRAP), element(TAG.context0Constructed, octets(ukm)), element(TAG.context2Constructed, octetsU32(8 * KEY_BYTES)));

const encodeRecipientInfo = (originator: Uint8Array, ukm: Uint8Array, importer: Uint8Array, wrapped: Uint8Array) =>
  sequence(
    element(TAG.integer, new Uint8Array([3])),
    element(TAG.context0Constructed, element(TAG.context1Constructed, sequence(OID_EC_PUBLIC_KEY, bitString(originator)))),
    element(TAG.context1Constructed, octets(ukm)),
    sequence(OID_STDDH_SHA256_KDF, element(TAG.sequence, AES256_WRAP)),
    sequence(sequence(element(TAG.context0Constructed, octets(importer)), octets(wrapped))),
  );

// X9.63 with SHA-256: one block is as long as the key.
async function keyEncryptionKey(own: CryptoKey, peer: CryptoKey, ukm: Uint8Array, use: KeyUsage): Promise<CryptoKey> {
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: peer }, own, SHARED_BITS));
  const kek = await sha256(shared, u32(1), sharedInfo(ukm));
  shared.fill(0);
  const key = await crypto.subtle.importKey("raw", kek, "AES-KW", false, [use]);
  kek.fill(0);
  return key;
}

export interface Ephemeral {
  own: CryptoKeyPair;
  ukm: Bytes;
}
const fresh = async (): Promise<Ephemeral> => ({ own: await crypto.subtle.generateKey(ECDH, false, ["deriveBits"]), ukm: crypto.getRandomValues(new Uint8Array(UKM_BYTES)) });

// A RecipientInfo for `importer`, which must come from a signed answer of the unit. `ephemeral` is given by tests only.
export async function sealKeyPart(part: Bytes, importer: PublicKey, ephemeral?: Ephemeral): Promise<Bytes> {
  if (part.length !== KEY_BYTES) throw new TkeError("parts", "a key part has 32 bytes");
  const { own, ukm } = ephemeral ?? (await fresh());
  const peer = await crypto.subtle.importKey("raw", importer.point, ECDH, false, []);
  const kek = await keyEncryptionKey(own.privateKey, peer, ukm, "wrapKey");
  const content = await crypto.subtle.importKey("raw", part, "AES-GCM", true, ["encrypt"]);
  const wrapped = new Uint8Array(await crypto.subtle.wrapKey("raw", content, kek, "AES-KW"));
  const originator = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  return encodeRecipientInfo(originator, ukm, await shortSkiOf(importer.point), wrapped);
}

export interface RecipientInfo {
  originator: Bytes;
  ukm: Bytes;
  importer: Bytes;
  wrapped: Bytes;
}

export function parseRecipientInfo(bytes: Bytes): RecipientInfo {
  const outer = new DerReader(bytes, "encrypted key part");
  const fields = outer.enter(TAG.sequence);
  fields.expect(TAG.integer, new Uint8Array([3]));
  const choice = fields.enter(TAG.context0Constructed);
  const keyTag = choice.enter(TAG.context1Constructed);
  const key = keyTag.enter(TAG.sequence);
  key.expect(TAG.oid, OID_EC_PUBLIC_KEY.slice(2));
  const originator = key.bitString();
  const ukmField = fields.enter(TAG.context1Constructed);
  const ukm = ukmField.octets();
  const algorithm = fields.enter(TAG.sequence);
  algorithm.expect(TAG.oid, OID_STDDH_SHA256_KDF.slice(2));
  algorithm.expect(TAG.sequence, AES256_WRAP);
  const recipients = fields.enter(TAG.sequence);
  const recipient = recipients.enter(TAG.sequence);
  const importerField = recipient.enter(TAG.context0Constructed);
  const importer = importerField.octets(KEY_BYTES);
  const wrapped = recipient.octets();
  for (const reader of [outer, fields, choice, keyTag, key, ukmField, algorithm, recipients, recipient, importerField]) reader.end();
  if (wrapped.length !== WRAPPED_BYTES || ukm.length !== UKM_BYTES) throw malformed("encrypted key part");
  return { originator, ukm, importer, wrapped };
}

// What a unit does with it; for tests.
export async function openKeyPart(recipientInfo: Bytes, importer: CryptoKey): Promise<Bytes> {
  const info = parseRecipientInfo(recipientInfo);
  const peer = await crypto.subtle.importKey("raw", info.originator, ECDH, false, []);
  const kek = await keyEncryptionKey(importer, peer, info.ukm, "unwrapKey");
  const content = await crypto.subtle.unwrapKey("raw", info.wrapped, kek, "AES-KW", "AES-GCM", true, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.exportKey("raw", content));
}

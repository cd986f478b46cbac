// Keys of administrators, their SignerInfos and their certificates: P-521, and RSA-2048 keys of older installations
// (docs/protocols/tke.md, "Payloads"; the same as src/tke/certificate.cc, signer_info.cc).
import { concat, equal, fromHex, latin, sha256, utf8, type Bytes } from "./bytes";
import { bitString, DerReader, element, octets, sequence, TAG } from "./der";
import { malformed, TkeError } from "./error";
import { isP521Spki, publicKeyOfSpki, skiOf, verifyDer, type PublicKey } from "./p521";
import { parseRsaSpki, rsaSki, verifyX931, type RsaKey } from "./rsa";

const MAX_SIGNERS = 16;
export const SKI_BYTES = 32;
export const MAX_NAME_BYTES = 30;
const MAX_CERTIFICATE_BYTES = 2048;
const MAX_ECDSA_BYTES = 160;
const RSA_BYTES = 256;

// Somebody who signs: a key file opened in this page, or whatever else has the key.
export interface Signer {
  name: string;
  ski: Bytes;
  algorithm: SignerInfo["algorithm"];
  // SubjectPublicKeyInfo.
  spki: Bytes;
  // P-521: DER of SEQUENCE { r, s } over SHA-512 of the message; RSA: 256 bytes, X9.31 with SHA-256.
  sign: (message: Bytes) => Promise<Bytes>;
}

// ---- SignerInfo ----

const VERSION_3 = new Uint8Array([3]);
// Contents of algorithm SEQUENCEs: an object identifier and NULL.
const SHA512 = fromHex("06096086480165030402030500")!;
const SHA256 = fromHex("06096086480165030402010500")!;
const ECDSA_SHA512 = fromHex("06082a8648ce3d0403040500")!;
const RSA_ENCRYPTION = fromHex("06092a864886f70d0101010500")!;

export interface SignerInfo {
  ski: Bytes;
  algorithm: "ecdsa" | "rsa";
  signature: Bytes;
}

const ALGORITHMS = { ecdsa: [SHA512, ECDSA_SHA512], rsa: [SHA256, RSA_ENCRYPTION] } as const;

export async function signerInfo(signer: Signer, block: Bytes): Promise<Bytes> {
  const [digest, algorithm] = ALGORITHMS[signer.algorithm];
  return sequence(element(TAG.integer, VERSION_3), element(TAG.context0, signer.ski), element(TAG.sequence, digest), element(TAG.sequence, algorithm), octets(await signer.sign(block)));
}

export async function signBlock(block: Bytes, signers: readonly Signer[]): Promise<Bytes> {
  const infos: Bytes[] = [];
  for (const signer of signers) infos.push(await signerInfo(signer, block));
  return concat(...infos);
}

export function parseSignerInfos(bytes: Bytes): SignerInfo[] {
  const outer = new DerReader(bytes, "signature information");
  const out: SignerInfo[] = [];
  while (!outer.atEnd) {
    if (out.length === MAX_SIGNERS) throw malformed("signature information");
    const fields = outer.enter(TAG.sequence);
    fields.expect(TAG.integer, VERSION_3);
    const ski = fields.read(TAG.context0);
    const digest = fields.read(TAG.sequence);
    const algorithm = equal(digest, SHA256) ? "rsa" : "ecdsa";
    fields.expect(TAG.sequence, algorithm === "rsa" ? RSA_ENCRYPTION : ECDSA_SHA512);
    const signature = fields.octets();
    fields.end();
    const hasPossibleSize = algorithm === "rsa" ? signature.length === RSA_BYTES : signature.length <= MAX_ECDSA_BYTES;
    if (ski.length !== SKI_BYTES || !hasPossibleSize || (algorithm === "ecdsa" && !equal(digest, SHA512))) throw malformed("signature information");
    out.push({ ski, algorithm, signature });
  }
  return out;
}

// ---- certificates ----

export interface Administrator {
  name: string;
  ski: Bytes;
  key: { kind: "ecdsa"; key: PublicKey } | { kind: "rsa"; key: RsaKey };
}

export const verifySignature = (administrator: AdministratorKey, message: Bytes, info: SignerInfo): Promise<boolean> => {
  const { key } = administrator;
  if (key.kind !== info.algorithm) return Promise.resolve(false);
  return key.kind === "ecdsa" ? verifyDer(key.key, message, info.signature) : verifyX931(key.key, message, info.signature);
};

// Contents of the algorithm of a certificate: an object identifier, for RSA with NULL.
const SIGNED_WITH = { ecdsa: fromHex("06082a8648ce3d040304")!, rsa: fromHex("06092a864886f70d01010b0500")! };
const OID_COMMON_NAME = fromHex("550403")!;
const OID_UNIT = fromHex("55040b")!;
const OID_SKI = fromHex("551d0e")!;

const isPrintable = (name: Uint8Array) => name.every((byte) => byte >= 0x20 && byte !== 0x7f);

// What is wrong with the name of an administrator; null: nothing.
export function isAdministratorName(name: string): boolean {
  const bytes = utf8(name);
  return bytes.length >= 1 && bytes.length <= MAX_NAME_BYTES && isPrintable(bytes) && !name.endsWith(" ");
}

const relativeName = (oid: Uint8Array, value: Uint8Array) => element(TAG.set, sequence(element(TAG.oid, oid), element(TAG.printableString, value)));

export async function makeCertificate(name: string, signer: Signer): Promise<Bytes> {
  if (!isAdministratorName(name)) throw new TkeError("name", "an administrator name has 1 to 30 bytes, no control characters and no space at its end");
  const padded = new Uint8Array(MAX_NAME_BYTES).fill(0x20);
  padded.set(utf8(name));
  const algorithm = element(TAG.sequence, SIGNED_WITH[signer.algorithm]);
  const names = sequence(relativeName(OID_UNIT, utf8("TKE Administration")), relativeName(OID_COMMON_NAME, padded));
  const validity = sequence(element(TAG.generalizedTime, utf8("20000101000000Z")), element(TAG.generalizedTime, utf8("21001231235959Z")));
  const extension = sequence(element(TAG.oid, OID_SKI), octets(octets(signer.ski)));
  const tbs = sequence(
    element(TAG.context0Constructed, element(TAG.integer, new Uint8Array([2]))),
    element(TAG.integer, new Uint8Array([0])),
    algorithm,
    names,
    validity,
    names,
    signer.spki,
    element(TAG.context3Constructed, sequence(extension)),
  );
  return sequence(tbs, algorithm, bitString(await signer.sign(tbs)));
}

function commonName(names: DerReader): string {
  while (!names.atEnd) {
    const set = names.enter(TAG.set);
    const pair = set.enter(TAG.sequence);
    const oid = pair.read(TAG.oid);
    const value = pair.read(pair.peekTag());
    pair.end();
    set.end();
    if (!equal(oid, OID_COMMON_NAME)) continue;
    let size = value.length;
    while (size > 0 && value[size - 1] === 0x20) size -= 1;
    const text = value.slice(0, size);
    if (text.length > MAX_NAME_BYTES || !isPrintable(text)) break;
    // Bytes, one letter each: shownText() tells those apart that look alike.
    return latin(text);
  }
  throw malformed("administrator certificate: no usable common name");
}

function checkExtensions(extensions: DerReader, ski: Uint8Array): void {
  const list = extensions.enter(TAG.sequence);
  while (!list.atEnd) {
    const extension = list.enter(TAG.sequence);
    const oid = extension.read(TAG.oid);
    if (extension.peekTag() === 0x01) extension.read(0x01);
    const value = new DerReader(extension.octets(), "administrator certificate");
    extension.end();
    if (!equal(oid, OID_SKI)) continue;
    value.expect(TAG.octetString, ski);
    value.end();
  }
  extensions.end();
}

export type AdministratorKey = Pick<Administrator, "ski" | "key">;

export async function keyOfSpki(spki: Bytes): Promise<AdministratorKey> {
  if (isP521Spki(spki)) {
    const key = await publicKeyOfSpki(spki);
    return { ski: await skiOf(key.point), key: { kind: "ecdsa", key } };
  }
  const key = parseRsaSpki(spki);
  return { ski: await rsaSki(key), key: { kind: "rsa", key } };
}

// The self-signature is not looked at: known clients make wrong ones, and the quorum signs the command that carries it.
export async function parseCertificate(der: Bytes): Promise<Administrator> {
  const what = "administrator certificate";
  if (der.length > MAX_CERTIFICATE_BYTES) throw malformed(what);
  const outer = new DerReader(der, what);
  const certificate = outer.enter(TAG.sequence);
  const tbs = certificate.enter(TAG.sequence);
  certificate.read(TAG.sequence);
  certificate.read(TAG.bitString);
  certificate.end();
  outer.end();
  const version = tbs.enter(TAG.context0Constructed);
  version.expect(TAG.integer, new Uint8Array([2]));
  version.end();
  tbs.read(TAG.integer);
  tbs.read(TAG.sequence);
  const issuer = tbs.enter(TAG.sequence);
  tbs.read(TAG.sequence);
  tbs.read(TAG.sequence);
  const spki = tbs.readElement();
  const name = commonName(issuer);
  const { ski, key } = await keyOfSpki(spki);
  if (!tbs.atEnd) {
    const extensions = tbs.enter(TAG.context3Constructed);
    tbs.end();
    checkExtensions(extensions, ski);
  }
  return { name, ski, key };
}

export const fingerprint = (der: Uint8Array): Promise<Bytes> => sha256(der);

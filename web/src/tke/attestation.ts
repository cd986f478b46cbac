// Certificates of crypto modules (OA2) and their way up to the attestation root that the administrator pinned.
// Format: docs/protocols/tke.md, "Attestation"; the same checks as src/tke/oa_certificate.cc.
import { concat, equal, fromHex, latin, readU32, slice, type Bytes } from "./bytes";
import { malformed, TkeError } from "./error";
import { publicKey, publicKeyOfSpki, skiOf, verifyRaw, type PublicKey } from "./p521";

const MAX_CERTIFICATE_BYTES = 16 * 1024;
export const MAX_CHAIN = 8;
const HEADER_BYTES = 32;
const PADDING = [4, 3, 5, 2, 1];
const [META, SPKI, SIGNER] = [1, 3, 4];
const META_BYTES = 173;
const SIGNER_BYTES = 207;

export interface AttestationRoot {
  ski: Bytes;
  key: PublicKey;
}

// As the API and `keyhaven console` name it: hexadecimal, SKI over 04 ‖ X ‖ Y.
export async function attestationRoot(claim: { ski: string; x: string; y: string }): Promise<AttestationRoot> {
  const [ski, x, y] = [fromHex(claim.ski), fromHex(claim.x), fromHex(claim.y)];
  if (!ski || x?.length !== 66 || y?.length !== 66) throw malformed("attestation root");
  const key = await publicKey(concat(new Uint8Array([4]), x, y));
  if (!equal(await skiOf(key.point), ski)) throw malformed("attestation root: its SKI does not belong to X and Y");
  return { ski, key };
}

export interface OaCertificate {
  key: PublicKey;
  subject: Bytes;
  signer: Bytes;
  serialNumber: string;
  signature: Bytes;
  signedPart: Bytes;
}

function sections(bytes: Bytes): { content: Bytes[]; signedPart: Bytes } {
  const what = "attestation certificate";
  if (bytes.length > MAX_CERTIFICATE_BYTES || bytes.length < HEADER_BYTES || bytes[0] !== 0x45 || readU32(bytes, 4) !== bytes.length) throw malformed(what);
  const content: Bytes[] = [];
  let at = HEADER_BYTES;
  let signedBytes = 0;
  for (const [index, padding] of PADDING.entries()) {
    if (index === SIGNER) signedBytes = at;
    const size = readU32(bytes, 8 + 4 * index);
    const end = at + size + (size === 0 ? 0 : padding);
    if (end > bytes.length) throw malformed(what);
    content.push(slice(bytes, at, at + size));
    at = end;
  }
  if (at !== bytes.length) throw malformed(what);
  return { content, signedPart: slice(bytes, 0, signedBytes) };
}

export async function parseOaCertificate(bytes: Bytes): Promise<OaCertificate> {
  const what = "attestation certificate";
  const { content, signedPart } = sections(bytes);
  const meta = content[META]!;
  const signer = content[SIGNER]!;
  if (meta.length < META_BYTES || meta.length !== META_BYTES + meta[META_BYTES - 1]! || signer.length < SIGNER_BYTES) throw malformed(what);
  const key = await publicKeyOfSpki(content[SPKI]!);
  const out: OaCertificate = {
    key,
    subject: slice(meta, 87, 119),
    signer: slice(meta, 121, 153),
    serialNumber: latin(meta.slice(27, 35)).split("\0")[0]!,
    signature: concat(signer.slice(73, 139), signer.slice(141, 207)),
    signedPart,
  };
  if (!equal(out.subject, await skiOf(key.point)) || !equal(signer.slice(8, 40), out.signer)) throw malformed(what);
  return out;
}

const foreign = (what: string) => new TkeError("foreign", `the crypto unit does not belong to this deployment: ${what}; check that the pinned attestation root is that of this server`);

// Returns the module's certificate when each is signed by the next, and the last by the root.
export async function verifyChain(certificates: readonly Bytes[], root: AttestationRoot): Promise<OaCertificate> {
  if (certificates.length === 0) throw foreign("it sent no certificate");
  if (certificates.length > MAX_CHAIN) throw foreign("its certificate chain is too long");
  let chain: OaCertificate[];
  try {
    chain = await Promise.all(certificates.map(parseOaCertificate));
  } catch {
    throw foreign("it sent a malformed certificate");
  }
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1];
    const issuer = next?.subject ?? root.ski;
    const issuerKey = next?.key ?? root.key;
    if (equal(certificate.subject, certificate.signer)) throw foreign("a certificate is self-signed");
    if (!equal(certificate.signer, issuer)) throw foreign(next ? "its certificates do not form a chain" : "its chain ends at another root");
    if (!(await verifyRaw(issuerKey, certificate.signedPart, certificate.signature))) throw foreign("a certificate signature does not verify");
  }
  return chain[0]!;
}

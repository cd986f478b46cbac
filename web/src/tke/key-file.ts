// Signature-key files and key-part files, as `keyhaven tke` and the vendor's plug-in write them (docs/protocols/key-files.md).
// What is opened stays in this page: the private key as a CryptoKey that cannot be exported, a key part as bytes that are
// wiped when they are done with.
import { equal, toHex, utf8, type Bytes } from "./bytes";
import { isAdministratorName, keyOfSpki, SKI_BYTES, verifySignature, type Signer } from "./administrator";
import { TkeError } from "./error";
import { KEY_BYTES, verificationPattern } from "./key-part";
import { signDer, skiOf, spkiOf } from "./p521";
import { derOfPem, encodeSec1, parseSec1, pemOf, pkcs8OfSec1, sec1OfPkcs8 } from "./pem";
import { parsePkcs1, rsaSki, rsaSpki, signX931 } from "./rsa";
import { digestField, notAKeyFile, open, readFields, seal, textOfFields } from "./string-fields";

export const MAX_DESCRIPTION_BYTES = 128;
const SIGNATURE_KEY = "p521ec";
const KEY_PART = "keyhaven-key-part";
const OWN_TYPES = "keyhaven-";
const ECDSA = { name: "ECDSA", namedCurve: "P-521" } as const;

// ---- signature keys ----

export interface SignatureKeyInfo {
  name: string;
  ski: Bytes;
  algorithm: Signer["algorithm"];
}

// What the file says of itself, without a password.
export function inspectSignatureKey(text: string): SignatureKeyInfo {
  const fields = readFields(text);
  const type = fields.keyType ?? "";
  if (type === KEY_PART) throw notAKeyFile("this is a key part, not a signature key");
  if (!type || type.startsWith(OWN_TYPES)) throw notAKeyFile("field keyType does not name a signature key that is in the file");
  return { name: fields.name ?? "", ski: digestField(fields, "ski"), algorithm: type === SIGNATURE_KEY ? "ecdsa" : "rsa" };
}

const signerOf = (name: string, ski: Bytes, point: Bytes, key: CryptoKey): Signer => ({ name, ski, algorithm: "ecdsa", spki: spkiOf(point), sign: (message) => signDer(key, message) });

// Proves that the private half belongs to the public one: what is signed verifies.
async function prove(signer: Signer): Promise<void> {
  const challenge = crypto.getRandomValues(new Uint8Array(SKI_BYTES));
  const info = { ski: signer.ski, algorithm: signer.algorithm, signature: await signer.sign(challenge) };
  if (!(await verifySignature(await keyOfSpki(signer.spki), challenge, info))) throw notAKeyFile("the key is damaged");
}

async function ecdsaSigner(info: SignatureKeyInfo, pem: Bytes, wiped: Uint8Array[]): Promise<Signer> {
  const sec1 = derOfPem(pem);
  const pkcs8 = pkcs8OfSec1(sec1);
  const parsed = parseSec1(sec1);
  wiped.push(sec1, pkcs8, parsed.secret);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, ECDSA, false, ["sign"]);
  if (!equal(await skiOf(parsed.point), info.ski)) throw notAKeyFile("the key is not that of field ski");
  return signerOf(info.name, info.ski, parsed.point, key);
}

// Keys of older installations, from other clients: none is made here.
async function rsaSigner(info: SignatureKeyInfo, pem: Bytes, wiped: Uint8Array[]): Promise<Signer> {
  const der = derOfPem(pem);
  wiped.push(der);
  const key = parsePkcs1(der);
  if (!equal(await rsaSki(key), info.ski)) throw notAKeyFile("the key is not that of field ski");
  return { name: info.name, ski: info.ski, algorithm: "rsa", spki: rsaSpki(key), sign: (message) => signX931(key, message) };
}

export async function openSignatureKey(text: string, password: string): Promise<Signer> {
  const info = inspectSignatureKey(text);
  const pem = await open(readFields(text), password);
  const wiped: Uint8Array[] = [pem];
  try {
    const signer = await (info.algorithm === "rsa" ? rsaSigner : ecdsaSigner)(info, pem, wiped);
    await prove(signer);
    return signer;
  } catch (error) {
    throw error instanceof TkeError && error.code === "keyFile" ? error : notAKeyFile("the decrypted content is no private key of its kind");
  } finally {
    for (const bytes of wiped) bytes.fill(0);
  }
}

export interface NewKeyFile<Opened> {
  opened: Opened;
  text: string;
}

export async function newSignatureKey(name: string, password: string): Promise<NewKeyFile<Signer>> {
  if (!isAdministratorName(name)) throw new TkeError("name", "an administrator name has 1 to 30 bytes, no control characters and no space at its end");
  const pair = await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const { secret } = parseSec1(sec1OfPkcs8(pkcs8));
  const sec1 = encodeSec1({ secret, point });
  const pem = pemOf("PRIVATE KEY", sec1);
  try {
    const ski = await skiOf(point);
    const text = textOfFields({ ...(await seal(pem, password)), keyType: SIGNATURE_KEY, name, ski: toHex(ski) });
    const key = await crypto.subtle.importKey("pkcs8", pkcs8, ECDSA, false, ["sign"]);
    return { opened: signerOf(name, ski, point, key), text };
  } finally {
    for (const bytes of [pkcs8, secret, sec1, pem]) bytes.fill(0);
  }
}

// ---- key parts ----

export interface KeyPart {
  description: string;
  pattern: Bytes;
  value: Bytes;
}

export function inspectKeyPart(text: string): Omit<KeyPart, "value"> {
  const fields = readFields(text);
  if (fields.keyType !== KEY_PART) throw notAKeyFile("not a key part");
  return { description: fields.description ?? "", pattern: digestField(fields, "vp") };
}

export async function openKeyPartFile(text: string, password: string): Promise<KeyPart> {
  const info = inspectKeyPart(text);
  const value = await open(readFields(text), password);
  if (value.length !== KEY_BYTES || !equal(await verificationPattern(value), info.pattern)) {
    value.fill(0);
    throw notAKeyFile("the key part is not that of field vp");
  }
  return { ...info, value };
}

export async function newKeyPart(description: string, password: string): Promise<NewKeyFile<KeyPart>> {
  if (utf8(description).length > MAX_DESCRIPTION_BYTES) throw new TkeError("name", "a description has at most 128 bytes");
  const value = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const pattern = await verificationPattern(value);
  const text = textOfFields({ ...(await seal(value, password)), description, keyType: KEY_PART, vp: toHex(pattern) });
  return { opened: { description, pattern, value }, text };
}

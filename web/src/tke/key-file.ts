// Signature-key files and key-part files, as `keyhaven tke` and the vendor's plug-in write them (docs/protocols/key-files.md).
// What is opened stays in this page: the private key as a CryptoKey that cannot be exported, a key part as bytes that are
// wiped when they are done with.
import { concat, equal, fromHex, toHex, utf8, type Bytes } from "./bytes";
import { isAdministratorName, SKI_BYTES, type Signer } from "./administrator";
import { TkeError } from "./error";
import { KEY_BYTES, verificationPattern } from "./key-part";
import { publicKey, signDer, skiOf, verifyDer } from "./p521";
import { derOfPem, encodeSec1, parseSec1, pemOf, pkcs8OfSec1, sec1OfPkcs8 } from "./pem";

// Fixed by the format, and weak today: so the password should be long.
const ROUNDS = 4096;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
export const MAX_FILE_BYTES = 16 * 1024;
export const MIN_PASSWORD_BYTES = 6;
export const MAX_DESCRIPTION_BYTES = 128;
const SIGNATURE_KEY = "p521ec";
const KEY_PART = "keyhaven-key-part";
const OWN_TYPES = "keyhaven-";
const ECDSA = { name: "ECDSA", namedCurve: "P-521" } as const;

type Fields = Record<string, string>;
const notAKeyFile = (what: string) => new TkeError("keyFile", `key file: ${what}`);

function readFields(text: string): Fields {
  if (utf8(text).length > MAX_FILE_BYTES) throw notAKeyFile("larger than 16 KiB");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notAKeyFile("not a JSON object");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notAKeyFile("not a JSON object");
  const fields = value as Record<string, unknown>;
  if (!Object.values(fields).every((member) => typeof member === "string")) throw notAKeyFile("a value that is not a string");
  return fields as Fields;
}

function digest(fields: Fields, name: string): Bytes {
  const bytes = fromHex(fields[name] ?? "");
  if (bytes?.length !== SKI_BYTES) throw notAKeyFile(`field ${name} is not 64 hexadecimal digits`);
  return bytes;
}

async function passwordKey(password: Bytes, salt: Bytes, use: KeyUsage): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, base, { name: "AES-GCM", length: 256 }, false, [use]);
}

async function seal(content: Bytes, password: string): Promise<Fields> {
  const secret = utf8(password);
  if (secret.length < MIN_PASSWORD_BYTES) throw new TkeError("weakPassword", "a password has at least 6 characters");
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const key = await passwordKey(secret, salt, "encrypt");
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, content));
  return { enckey: toHex(concat(iv, sealed)), seaSalt: toHex(salt) };
}

async function open(fields: Fields, password: string): Promise<Bytes> {
  const sealed = fromHex(fields.enckey ?? "");
  const salt = fromHex(fields.seaSalt ?? "");
  if (!sealed || sealed.length <= NONCE_BYTES || salt?.length !== SALT_BYTES) throw notAKeyFile("field enckey or seaSalt is missing or malformed");
  const key = await passwordKey(utf8(password), salt, "decrypt");
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.slice(0, NONCE_BYTES) }, key, sealed.slice(NONCE_BYTES)));
  } catch {
    throw new TkeError("password", "wrong password, or the key file is damaged");
  }
}

const textOfFields = (fields: Fields) => `${JSON.stringify(fields)}\n`;

// ---- signature keys ----

export interface SignatureKeyInfo {
  name: string;
  ski: Bytes;
}

// What the file says of itself, without a password.
export function inspectSignatureKey(text: string): SignatureKeyInfo {
  const fields = readFields(text);
  const type = fields.keyType ?? "";
  if (type === KEY_PART) throw notAKeyFile("this is a key part, not a signature key");
  if (!type || type.startsWith(OWN_TYPES)) throw notAKeyFile("field keyType does not name a signature key that is in the file");
  if (type !== SIGNATURE_KEY) throw new TkeError("rsaFile", "this is an RSA key of an older installation: sign with keyhaven tke on this machine");
  return { name: fields.name ?? "", ski: digest(fields, "ski") };
}

function signerOf(name: string, ski: Bytes, point: Bytes, key: CryptoKey): Signer {
  return { name, ski, point, sign: (message) => signDer(key, message) };
}

// Proves that the private half belongs to the public one: what is signed verifies.
async function prove(signer: Signer): Promise<void> {
  const challenge = crypto.getRandomValues(new Uint8Array(SKI_BYTES));
  if (!(await verifyDer(await publicKey(signer.point), challenge, await signer.sign(challenge)))) throw notAKeyFile("the key is damaged");
}

export async function openSignatureKey(text: string, password: string): Promise<Signer> {
  const info = inspectSignatureKey(text);
  const pem = await open(readFields(text), password);
  const wiped: Uint8Array[] = [pem];
  try {
    const sec1 = derOfPem(pem);
    const pkcs8 = pkcs8OfSec1(sec1);
    const parsed = parseSec1(sec1);
    wiped.push(sec1, pkcs8, parsed.secret);
    const key = await crypto.subtle.importKey("pkcs8", pkcs8, ECDSA, false, ["sign"]);
    if (!equal(await skiOf(parsed.point), info.ski)) throw notAKeyFile("the key is not that of field ski");
    const signer = signerOf(info.name, info.ski, parsed.point, key);
    await prove(signer);
    return signer;
  } catch (error) {
    throw error instanceof TkeError && error.code === "keyFile" ? error : notAKeyFile("the decrypted content is no P-521 private key");
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
  return { description: fields.description ?? "", pattern: digest(fields, "vp") };
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

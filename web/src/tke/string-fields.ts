// Files of a ceremony: one JSON object of strings, with content that a password seals (docs/protocols/key-files.md, "Common").
// The same as src/tke/string_fields.cc.
import { argon2id } from "./argon2";
import { concat, fromHex, toHex, utf8, type Bytes } from "./bytes";
import { TkeError } from "./error";

// Fixed by the format, and weak today: so the password should be long.
const ROUNDS = 4096;
const SHARE_COST = { memoryKib: 64 * 1024, passes: 3, lanes: 4 };
const KEY_BYTES = 32;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const DIGEST_BYTES = 32;
export const MAX_FILE_BYTES = 16 * 1024;
export const MIN_PASSWORD_BYTES = 6;

// How a password becomes a key: as existing clients read it, or Argon2id for files of our own.
export type PasswordKey = "pbkdf2" | "argon2id";
export type Fields = Record<string, string>;
export const notAKeyFile = (what: string) => new TkeError("keyFile", `key file: ${what}`);

export function readFields(text: string): Fields {
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

export const textOfFields = (fields: Fields): string => `${JSON.stringify(fields)}\n`;

export function digestField(fields: Fields, name: string): Bytes {
  const bytes = fromHex(fields[name] ?? "");
  if (bytes?.length !== DIGEST_BYTES) throw notAKeyFile(`field ${name} is not 64 hexadecimal digits`);
  return bytes;
}

async function passwordKey(password: Bytes, salt: Bytes, how: PasswordKey, use: KeyUsage): Promise<CryptoKey> {
  if (how === "argon2id") {
    const bytes = await argon2id(password, salt, SHARE_COST, KEY_BYTES);
    const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [use]);
    bytes.fill(0);
    return key;
  }
  const base = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, base, { name: "AES-GCM", length: 256 }, false, [use]);
}

const NOTHING = new Uint8Array(0);

export async function seal(content: Bytes, password: string, how: PasswordKey = "pbkdf2", additionalData: Bytes = NOTHING): Promise<Fields> {
  const secret = utf8(password);
  if (secret.length < MIN_PASSWORD_BYTES) throw new TkeError("weakPassword", "a password has at least 6 characters");
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const key = await passwordKey(secret, salt, how, "encrypt");
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, content));
  return { enckey: toHex(concat(iv, sealed)), seaSalt: toHex(salt) };
}

export async function open(fields: Fields, password: string, how: PasswordKey = "pbkdf2", additionalData: Bytes = NOTHING): Promise<Bytes> {
  const sealed = fromHex(fields.enckey ?? "");
  const salt = fromHex(fields.seaSalt ?? "");
  if (!sealed || sealed.length <= NONCE_BYTES || salt?.length !== SALT_BYTES) throw notAKeyFile("field enckey or seaSalt is missing or malformed");
  const key = await passwordKey(utf8(password), salt, how, "decrypt");
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.slice(0, NONCE_BYTES), additionalData }, key, sealed.slice(NONCE_BYTES)));
  } catch {
    throw new TkeError("password", "wrong password, or the key file is damaged");
  }
}

// Bytes, hexadecimal, big-endian numbers: what every codec here is made of. Backed by an ArrayBuffer, as WebCrypto asks.
export type Bytes = Uint8Array<ArrayBuffer>;

export const concat = (...parts: Uint8Array[]): Bytes => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

export function u32(value: number): Bytes {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

export const readU32 = (bytes: Uint8Array, at = 0): number => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);

// A copy, so that nothing keeps a larger buffer alive.
export const slice = (bytes: Uint8Array, from: number, to?: number): Bytes => new Uint8Array(bytes.slice(from, to));

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// Undefined when it is no hexadecimal.
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let at = 0; at < out.length; at += 1) out[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return out;
}

export const toBase64 = (bytes: Uint8Array): string => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
};
export const fromBase64 = (text: string): Bytes => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);

// -1, 0, 1: as big-endian numbers of one size, else byte by byte.
export function compare(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    if (a[at] !== b[at]) return a[at]! < b[at]! ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

export const utf8 = (text: string): Bytes => new Uint8Array(new TextEncoder().encode(text));
// Bytes as they are, one letter each: frames and serial numbers are ASCII.
export const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const sha256 = async (...parts: Uint8Array[]): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
export const sha512 = async (bytes: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest("SHA-512", bytes));

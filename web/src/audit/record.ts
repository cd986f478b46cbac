// Records of the audit log as they stand in its files (docs/protocols/audit-log.md): lines, hashes, chains, checkpoints.
// What is hashed is found by position from the end of the line, so no JSON parser decides it.

// crypto.subtle wants bytes that no other thread can change.
export type Bytes = Uint8Array<ArrayBuffer>;

export interface AuditRecord {
  seq: bigint;
  // Hexadecimal.
  prev: string;
  hash: string;
  signature: string | null;
  // What the hash covers besides `prev`.
  covered: Bytes;
  event: AuditEvent;
}

// The members that the page knows; details show all of them, whatever they are.
export interface AuditEvent {
  eventTime?: string;
  action?: string;
  outcome?: string;
  severity?: string;
  correlationId?: string;
  reason?: { reasonCode?: number; reasonForFailure?: string };
  initiator?: { id?: string; name?: string; host?: { address?: string; agent?: string } };
  target?: { id?: string; typeURI?: string };
  requestData?: { requestURI?: string; instanceID?: string; [name: string]: unknown };
  heads?: { stream: string; seq: number; hash: string }[];
  [name: string]: unknown;
}

export const CHECKPOINTS = "checkpoint";

// ,"prev":"<64>","hash":"<64>"} and before the } of checkpoints ,"signature":"<128>"
const TAIL_BYTES = 149;
const SIGNED_TAIL_BYTES = 292;
const TAIL = /^,"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"(?:,"signature":"([0-9a-f]{128})")?\}$/;
const SEQ = /^\{"seq":([1-9]\d{0,19}),"event":/;

const latin = new TextDecoder("latin1");
const utf8 = new TextDecoder("utf-8");

// One line without its newline; null when it is no record.
export function parseRecord(line: Bytes): AuditRecord | null {
  for (const size of [TAIL_BYTES, SIGNED_TAIL_BYTES]) {
    if (line.length <= size) continue;
    const tail = TAIL.exec(latin.decode(line.subarray(line.length - size)));
    if (!tail) continue;
    const covered = line.subarray(0, line.length - size);
    const seq = SEQ.exec(latin.decode(covered.subarray(0, 40)))?.[1];
    const event = eventOf(covered);
    return seq && event ? { seq: BigInt(seq), prev: tail[1]!, hash: tail[2]!, signature: tail[3] ?? null, covered, event } : null;
  }
  return null;
}

function eventOf(covered: Bytes): AuditEvent | null {
  try {
    const { event } = JSON.parse(`${utf8.decode(covered)}}`) as { event?: unknown };
    return typeof event === "object" && event !== null ? (event as AuditEvent) : null;
  } catch {
    return null;
  }
}

// The lines of a file that end, and how many bytes follow the last of them.
export function linesOf(bytes: Bytes): { lines: Bytes[]; rest: number } {
  const lines: Bytes[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { lines, rest: bytes.length - start };
}

// "loop-0.00000001.log": the stream and the number of its segment.
export function segmentOf(name: string): { stream: string; segment: number } | null {
  const found = /^([a-z][a-z0-9-]*)\.(\d{8})\.log$/.exec(name);
  return found ? { stream: found[1]!, segment: Number(found[2]) } : null;
}

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text: string): Bytes {
  const bytes = new Uint8Array(text.length >> 1);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

async function sha256(...parts: Bytes[]): Promise<string> {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", all)));
}

const ascii = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

// What the first record of a stream is chained to: the stream's name is in it.
export const genesis = (stream: string): Promise<string> => sha256(ascii(`keyhaven audit v1\n${stream}`));

export const hashOf = (record: AuditRecord): Promise<string> => sha256(fromHex(record.prev), record.covered);

// Ed25519 over the hash of a checkpoint. Throws where the browser does not have Ed25519.
export async function signatureHolds(record: AuditRecord, publicKey: CryptoKey): Promise<boolean> {
  if (!record.signature) return false;
  const signed = new Uint8Array([...ascii("keyhaven audit checkpoint v1\n"), ...fromHex(record.hash)]);
  return crypto.subtle.verify("Ed25519", publicKey, fromHex(record.signature), signed);
}

export const importKey = (hex: string): Promise<CryptoKey> => crypto.subtle.importKey("raw", fromHex(hex), "Ed25519", false, ["verify"]);
export const isPublicKey = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

// Shares of a key part, and the signed transcript that commits to them: the same bytes and the same refusals as
// src/tke/key_share.cc. Format: docs/protocols/key-shares.md.
import { concat, equal, fromHex, sha256, toHex, u32, utf8, type Bytes } from "./bytes";
import { keyOfSpki, verifySignature, type AdministratorKey, type Signer } from "./administrator";
import { TkeError } from "./error";
import { KEY_BYTES, verificationPattern } from "./key-part";
import { combineShares, MAX_SHARES, MIN_THRESHOLD, splitSecret } from "./shamir";

const FIRST_LINE = "keyhaven share transcript 1\n";
const COMMITMENT = "keyhaven key share commitment 1";
const SIGNATURE = "keyhaven share transcript signature 1";
export const SET_BYTES = 8;
export const BLINDING_BYTES = 16;
export const MAX_LABEL_BYTES = 30;
export const MAX_TRANSCRIPT_BYTES = 12 * 1024;
const MAX_SIGNATURES = 8;
const MAX_SIGNATURE_BYTES = 256;

export interface KeyShare {
  set: Bytes;
  threshold: number;
  count: number;
  x: number;
  y: Bytes;
  blinding: Bytes;
}

export interface TranscriptSignature extends AdministratorKey {
  name: string;
  spki: Bytes;
  signature: Bytes;
}

export interface ShareTranscript {
  set: Bytes;
  label: string;
  // Verification pattern of the part.
  hash: Bytes;
  // As 2026-11-26T10:00:00Z.
  made: string;
  threshold: number;
  // One for each share.
  commitments: Bytes[];
  signatures: TranscriptSignature[];
}

const bad = (what: string) => new TkeError("shares", `share transcript: ${what}`);
const wrong = (what: string) => new TkeError("shares", what);
const text32 = (text: string) => concat(u32(utf8(text).length), utf8(text));

export function isLabel(label: string): boolean {
  const bytes = utf8(label);
  return bytes.length >= 1 && bytes.length <= MAX_LABEL_BYTES && !label.startsWith(" ") && !label.endsWith(" ") && bytes.every((byte) => byte >= 0x20 && byte !== 0x7f);
}

const nameOf = (share: KeyShare) => `share ${share.x} of set ${toHex(share.set)}`;

function signedText(transcript: ShareTranscript): string {
  const { set, label, hash, made, threshold, commitments } = transcript;
  const lines = commitments.map((commitment, at) => `commitment ${at + 1} ${toHex(commitment)}\n`);
  return `${FIRST_LINE}set ${toHex(set)}\npart ${label}\nhash ${toHex(hash)}\nmade ${made}\nshares ${threshold} of ${commitments.length}\n${lines.join("")}`;
}

const messageOf = (transcript: ShareTranscript): Bytes => concat(text32(SIGNATURE), text32(signedText(transcript)));

export const encodeTranscript = (transcript: ShareTranscript): string =>
  signedText(transcript) + transcript.signatures.map(({ spki, signature, name }) => `signature ${toHex(spki)} ${toHex(signature)} ${name}\n`).join("");

const commitmentOf = (label: string, { set, threshold, count, x, y, blinding }: KeyShare): Promise<Bytes> =>
  sha256(text32(COMMITMENT), set, text32(label), new Uint8Array([threshold, count, x]), blinding, y);

// ---- reading ----

class Lines {
  private rest: string[];

  constructor(text: string) {
    this.rest = text.split("\n");
  }
  get atEnd(): boolean {
    return this.rest.length === 1 && this.rest[0] === "";
  }
  // What follows "KEYWORD " on the next line; what is wrong is said by `fault`.
  value(keyword: string, fault: string): string {
    const line = this.rest.length > 1 ? this.rest.shift()! : "";
    if (!line.startsWith(`${keyword} `)) throw bad(fault);
    return line.slice(keyword.length + 1);
  }
}

function hexOf(text: string, size: number, fault: string): Bytes {
  const bytes = fromHex(text);
  if (bytes?.length !== size) throw bad(fault);
  return bytes;
}

const HEAD = "the lines set, part, hash, made, shares are malformed";

function readHead(lines: Lines): Omit<ShareTranscript, "commitments" | "signatures"> & { count: number } {
  const set = hexOf(lines.value("set", HEAD), SET_BYTES, HEAD);
  const label = lines.value("part", HEAD);
  const hash = hexOf(lines.value("hash", HEAD), KEY_BYTES, HEAD);
  const made = lines.value("made", HEAD);
  const counts = /^(\d{1,2}) of (\d{1,2})$/.exec(lines.value("shares", HEAD));
  const [threshold, count] = [Number(counts?.[1]), Number(counts?.[2])];
  if (!counts || !isLabel(label) || threshold < MIN_THRESHOLD || threshold > count || count > MAX_SHARES) throw bad(HEAD);
  checkMade(made);
  return { set, label, hash, made, threshold, count };
}

function checkMade(made: string): void {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(made) || Number.isNaN(Date.parse(made))) throw bad("the time is not like 2026-11-26T10:00:00Z");
}

async function readSignature(line: string): Promise<TranscriptSignature> {
  const [, first, second, name] = /^([0-9a-f]+) ([0-9a-f]+) (.+)$/i.exec(line) ?? [];
  const [spki, signature] = [fromHex(first ?? ""), fromHex(second ?? "")];
  if (!spki || !signature || !name || signature.length > MAX_SIGNATURE_BYTES || !isLabel(name)) throw bad("a signature line is malformed");
  try {
    return { name, spki, signature, ...(await keyOfSpki(spki)) };
  } catch {
    throw bad(`the key of ${name} is of no kind that administrators have`);
  }
}

export async function parseTranscript(text: string): Promise<ShareTranscript> {
  if (utf8(text).length > MAX_TRANSCRIPT_BYTES) throw bad("larger than 12 KiB");
  if (!text.startsWith(FIRST_LINE)) throw bad("this is none");
  const lines = new Lines(text.slice(FIRST_LINE.length));
  const { count, ...head } = readHead(lines);
  const out: ShareTranscript = { ...head, commitments: [], signatures: [] };
  for (let number = 1; number <= count; number += 1) {
    const fault = `the line of commitment ${number} is malformed`;
    const value = lines.value("commitment", fault);
    if (!value.startsWith(`${number} `)) throw bad(fault);
    out.commitments.push(hexOf(value.slice(`${number} `.length), KEY_BYTES, fault));
  }
  while (!lines.atEnd) {
    if (out.signatures.length === MAX_SIGNATURES) throw bad("more than 8 signatures");
    out.signatures.push(await readSignature(lines.value("signature", "a signature line is malformed")));
  }
  if (encodeTranscript(out) !== text) throw bad("not in its one form");
  return out;
}

// ---- making ----

export interface MadeShares {
  transcript: ShareTranscript;
  shares: KeyShare[];
}

export async function makeShares(part: Uint8Array, label: string, made: string, threshold: number, count: number): Promise<MadeShares> {
  if (part.length !== KEY_BYTES) throw wrong("a key part has 32 bytes");
  if (!isLabel(label)) throw bad("the label of the part has 1 to 30 printable characters");
  checkMade(made);
  const set = crypto.getRandomValues(new Uint8Array(SET_BYTES));
  const shares = splitSecret(part, threshold, count).map((share): KeyShare => ({ set, threshold, count, ...share, blinding: crypto.getRandomValues(new Uint8Array(BLINDING_BYTES)) }));
  const commitments = await Promise.all(shares.map((share) => commitmentOf(label, share)));
  return { transcript: { set, label, hash: await verificationPattern(part), made, threshold, commitments, signatures: [] }, shares };
}

function checkSigners(transcript: ShareTranscript, signers: readonly Signer[]): void {
  if (transcript.signatures.length + signers.length > MAX_SIGNATURES) throw bad("a transcript has at most 8 signatures");
  for (const [at, signer] of signers.entries()) {
    if (!isLabel(signer.name)) throw bad("a signer's name has 1 to 30 printable characters");
    const twin = [...transcript.signatures, ...signers.slice(0, at)].find(({ ski }) => equal(ski, signer.ski));
    if (twin) throw bad(`${signer.name} and ${twin.name} sign with the same key`);
  }
}

// All signatures or none: a transcript that some have signed is not there to be signed again.
export async function signTranscript(transcript: ShareTranscript, signers: readonly Signer[]): Promise<void> {
  checkSigners(transcript, signers);
  const message = messageOf(transcript);
  const made: TranscriptSignature[] = [];
  for (const signer of signers) made.push({ name: signer.name, spki: signer.spki, signature: await signer.sign(message), ...(await keyOfSpki(signer.spki)) });
  transcript.signatures.push(...made);
}

// ---- checking ----

// Every signature verifies, and one is by a key that the reader trusts.
export async function verifyTranscript(transcript: ShareTranscript, trusted: readonly Bytes[]): Promise<void> {
  const message = messageOf(transcript);
  const set = toHex(transcript.set);
  for (const one of transcript.signatures) {
    const isRight = await verifySignature(one, message, { ski: one.ski, algorithm: one.key.kind, signature: one.signature });
    if (!isRight) throw wrong(`the transcript of set ${set} was changed: the signature of ${one.name} (${toHex(one.ski)}) does not verify`);
  }
  if (transcript.signatures.some(({ ski }) => trusted.some((other) => equal(other, ski)))) return;
  if (transcript.signatures.length === 0) throw wrong(`the transcript of set ${set} is not signed`);
  const signers = transcript.signatures.map(({ name, ski }) => `${name} ${toHex(ski)}`).join(", ");
  throw wrong(`nobody whom you trust signed the transcript of set ${set}. Its signers are ${signers}`);
}

export async function checkShare(transcript: ShareTranscript, share: KeyShare): Promise<void> {
  const { label, threshold, commitments } = transcript;
  if (!equal(share.set, transcript.set)) throw wrong(`${nameOf(share)} belongs to another set than ${toHex(transcript.set)} of key part ${label}`);
  if (share.threshold !== threshold || share.count !== commitments.length || share.x < 1 || share.x > commitments.length) {
    throw wrong(`${nameOf(share)} does not fit the transcript, which has ${threshold} of ${commitments.length} shares`);
  }
  const fits = share.y.length === KEY_BYTES && share.blinding.length === BLINDING_BYTES && equal(await commitmentOf(label, share), commitments[share.x - 1]!);
  if (!fits) throw wrong(`${nameOf(share)} is wrong: it is not the one that the transcript commits to`);
}

export async function combineKeyShares(transcript: ShareTranscript, shares: readonly KeyShare[]): Promise<Bytes> {
  const { threshold, commitments, label } = transcript;
  const set = toHex(transcript.set);
  for (const [at, share] of shares.entries()) {
    await checkShare(transcript, share);
    if (shares.slice(0, at).some(({ x }) => x === share.x)) throw wrong(`${nameOf(share)} is given twice`);
  }
  const missing = threshold - shares.length;
  if (missing > 0) {
    throw wrong(`${missing} ${missing === 1 ? "share is" : "shares are"} missing: key part ${label} needs ${threshold} of the ${commitments.length} shares of set ${set}, ${shares.length} are given`);
  }
  // The others were checked and add nothing.
  const part = combineShares(shares.slice(0, threshold));
  if (equal(await verificationPattern(part), transcript.hash)) return part;
  part.fill(0);
  throw wrong(`the shares of set ${set} are those committed to, but do not give the key part whose hash was signed`);
}

// Checks opened files of an audit log as `keyhaven audit verify` checks a directory: every chain, every signature, and
// that the streams hold what the checkpoints signed. Nothing leaves the browser.
import { CHECKPOINTS, genesis, hashOf, importKey, linesOf, parseRecord, segmentOf, signatureHolds, type AuditRecord, type Bytes } from "./record";

export interface LogFile {
  name: string;
  read: () => Promise<Bytes>;
}

export interface Entry {
  stream: string;
  record: AuditRecord;
  // Chained, unchanged, and at or before a record that a good checkpoint signed.
  isSealed: boolean;
}

// What is wrong or worth knowing; the page has the words.
export type Finding =
  | { kind: "edited" | "cut" | "unchained" | "noRecord" | "notSigned" | "badSignature" | "wentBack" | "differs" | "truncated"; stream: string; seq: string }
  | { kind: "missingSegment" | "startsLater"; stream: string; segment: number }
  | { kind: "gone" | "unfinished"; stream: string }
  | { kind: "noCheckpoint" | "unknownFile"; name: string };

export interface Verification {
  entries: Entry[];
  checkpoints: number;
  // Records after the newest checkpoint: chained, but nobody has signed them yet.
  unsealed: number;
  problems: Finding[];
  notes: Finding[];
}

export interface VerifyOptions {
  // 64 hexadecimal digits.
  publicKey: string;
  onProgress: (done: number, total: number) => void;
  signal: AbortSignal;
}

const MAX_PROBLEMS = 100;
// Records that are hashed at once, and after which the page may draw.
const BATCH = 2000;

interface Stream {
  name: string;
  // A stream whose first segments were not opened is checked from the first record at hand.
  isWhole: boolean;
  records: AuditRecord[];
}

export async function verifyFiles(files: LogFile[], options: VerifyOptions): Promise<Verification> {
  const result: Verification = { entries: [], checkpoints: 0, unsealed: 0, problems: [], notes: [] };
  const streams = await readStreams(files, result, () => breathe(options.signal));
  const total = streams.reduce((sum, stream) => sum + stream.records.length, 0);
  let done = 0;
  const good = new Set<AuditRecord>();
  for (const stream of streams) {
    await checkChain(stream, result, good, async (records) => {
      done += records;
      options.onProgress(done, total);
      await breathe(options.signal);
    });
  }
  const seals = await checkCheckpoints(streams, result, options.publicKey);
  for (const stream of streams) {
    if (stream.name !== CHECKPOINTS) checkSeals(stream, seals, result, good);
  }
  for (const name of seals.keys()) if (!streams.some((stream) => stream.name === name)) result.problems.push({ kind: "gone", stream: name });
  result.problems.splice(MAX_PROBLEMS);
  options.onProgress(total, total);
  return result;
}

// Lets the page draw and take clicks; ends the work when it was given up.
async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}

async function readStreams(files: LogFile[], result: Verification, pause: () => Promise<void>): Promise<Stream[]> {
  const segments = new Map<string, Map<number, LogFile>>();
  for (const file of files) {
    const found = segmentOf(file.name);
    if (!found) {
      if (!file.name.endsWith(".reserve")) result.notes.push({ kind: "unknownFile", name: file.name });
      continue;
    }
    const stream = segments.get(found.stream) ?? new Map<number, LogFile>();
    segments.set(found.stream, stream.set(found.segment, file));
  }
  const streams: Stream[] = [];
  for (const [name, parts] of [...segments].sort(([left], [right]) => left.localeCompare(right))) {
    const numbers = [...parts.keys()].sort((left, right) => left - right);
    const stream: Stream = { name, isWhole: numbers[0] === 1, records: [] };
    if (!stream.isWhole) result.notes.push({ kind: "startsLater", stream: name, segment: numbers[0]! });
    for (const [index, number] of numbers.entries()) {
      if (index > 0 && number !== numbers[index - 1]! + 1) result.problems.push({ kind: "missingSegment", stream: name, segment: numbers[index - 1]! + 1 });
      const { lines, rest } = linesOf(await parts.get(number)!.read());
      for (const [at, line] of lines.entries()) {
        if (at % BATCH === BATCH - 1) await pause();
        const record = parseRecord(line);
        if (record) stream.records.push(record);
        else result.problems.push({ kind: "noRecord", stream: name, seq: String(stream.records.at(-1)?.seq ?? 0) });
      }
      if (rest > 0) (index + 1 === numbers.length ? result.notes : result.problems).push({ kind: "unfinished", stream: name });
    }
    streams.push(stream);
  }
  return streams;
}

// After a record that does not hold the check goes on from what it says: one edit is one problem.
async function checkChain(stream: Stream, result: Verification, good: Set<AuditRecord>, step: (records: number) => Promise<void>): Promise<void> {
  let head = stream.isWhole ? { seq: 0n, hash: await genesis(stream.name) } : null;
  for (let start = 0; start < stream.records.length; start += BATCH) {
    const batch = stream.records.slice(start, start + BATCH);
    const hashes = await Promise.all(batch.map(hashOf));
    for (const [index, record] of batch.entries()) {
      const problem = (kind: "cut" | "unchained" | "edited" | "notSigned") => result.problems.push({ kind, stream: stream.name, seq: String(record.seq) });
      const before = result.problems.length;
      if (head && record.seq !== head.seq + 1n) problem("cut");
      else if (head && record.prev !== head.hash) problem("unchained");
      if (hashes[index] !== record.hash) problem("edited");
      if (record.signature && stream.name !== CHECKPOINTS) problem("notSigned");
      if (result.problems.length === before) good.add(record);
      head = { seq: record.seq, hash: record.hash };
    }
    await step(batch.length);
  }
}

// By stream: the signed hash of each sequence number.
type Seals = Map<string, Map<bigint, string>>;

async function checkCheckpoints(streams: Stream[], result: Verification, publicKey: string): Promise<Seals> {
  const seals: Seals = new Map();
  const records = streams.find((stream) => stream.name === CHECKPOINTS)?.records ?? [];
  result.checkpoints = records.length;
  if (records.length === 0) result.notes.push({ kind: "noCheckpoint", name: CHECKPOINTS });
  const key = records.length > 0 ? await importKey(publicKey) : null;
  let before = new Map<string, { seq: bigint; hash: string }>();
  for (const record of records) {
    const problem = (kind: "badSignature" | "wentBack") => result.problems.push({ kind, stream: CHECKPOINTS, seq: String(record.seq) });
    if (!(await signatureHolds(record, key!))) {
      problem("badSignature");
      continue;
    }
    const heads = new Map((record.event.heads ?? []).map(({ stream, seq, hash }) => [stream, { seq: BigInt(seq), hash }]));
    for (const [name, head] of before) {
      const now = heads.get(name);
      if (!now || now.seq < head.seq || (now.seq === head.seq && now.hash !== head.hash)) problem("wentBack");
    }
    for (const [name, { seq, hash }] of heads) seals.set(name, (seals.get(name) ?? new Map<bigint, string>()).set(seq, hash));
    before = heads;
  }
  return seals;
}

function checkSeals(stream: Stream, seals: Seals, result: Verification, good: Set<AuditRecord>): void {
  const signed = seals.get(stream.name) ?? new Map<bigint, string>();
  const first = stream.records[0]?.seq ?? 1n;
  const last = stream.records.at(-1)?.seq ?? 0n;
  let sealed = 0n;
  const bySeq = new Map(stream.records.map((record) => [record.seq, record]));
  for (const [seq, hash] of signed) {
    if (seq === 0n || seq < first) continue;
    if (seq > last) {
      if (seq > sealed) result.problems.push({ kind: "truncated", stream: stream.name, seq: String(seq) });
      sealed = seq;
    } else if (bySeq.get(seq)?.hash !== hash) {
      result.problems.push({ kind: "differs", stream: stream.name, seq: String(seq) });
    } else if (seq > sealed) {
      sealed = seq;
    }
  }
  for (const record of stream.records) {
    const isSealed = record.seq <= sealed;
    if (!isSealed) result.unsealed += 1;
    result.entries.push({ stream: stream.name, record, isSealed: isSealed && good.has(record) });
  }
}

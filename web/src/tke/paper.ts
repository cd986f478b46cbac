// Key parts and shares on paper: four bytes a line, as digits and as words, each line with a check. The same lines and the same
// refusals as src/tke/paper.cc. Format: docs/protocols/key-shares.md, "Paper".
import { concat, equal, fromHex, sha256, slice, toHex, utf8, type Bytes } from "./bytes";
import { TkeError } from "./error";
import { KEY_BYTES } from "./key-part";
import { BLINDING_BYTES, SET_BYTES, type KeyShare } from "./key-share";
import { MAX_SHARES, MIN_THRESHOLD } from "./shamir";

export type PaperKind = "part" | "share";
const CODE = { part: 1, share: 2 } as const;
const LINE_BYTES = 4;
const CHECK_BYTES = 2;
const TYPED_BYTES = LINE_BYTES + CHECK_BYTES;
const SHARE_HEAD = 4;
const MAX_TYPED = 256;
const SYLLABLE = 3;
// One consonant each in front; vowel and ending together are unique too.
const SYLLABLES = ["ban", "dar", "fal", "gas", "hen", "jer", "kel", "les", "min", "nir", "pil", "ris", "son", "tor", "vol", "zos"];

const contentSize = (kind: PaperKind): number => (kind === "part" ? KEY_BYTES : SHARE_HEAD + SET_BYTES + KEY_BYTES + BLINDING_BYTES);
// With the last, which checks all before it.
export const lineCount = (kind: PaperKind): number => contentSize(kind) / LINE_BYTES + 1;

const checkOf = async (kind: PaperKind, line: number, bytes: Uint8Array): Promise<Bytes> => slice(await sha256(utf8("keyhaven paper line 1"), new Uint8Array([CODE[kind], line]), bytes), 0, CHECK_BYTES);
const checkOfAll = async (kind: PaperKind, content: Uint8Array): Promise<Bytes> => slice(await sha256(utf8("keyhaven paper 1"), new Uint8Array([CODE[kind]]), content), 0, LINE_BYTES);

export const checkWord = (byte: number): string => SYLLABLES[byte >> 4]! + SYLLABLES[byte & 15]!;

function byteOfWord(word: string): number | undefined {
  const [high, low] = [SYLLABLES.indexOf(word.slice(0, SYLLABLE)), SYLLABLES.indexOf(word.slice(SYLLABLE))];
  return word.length === 2 * SYLLABLE && high >= 0 && low >= 0 ? (high << 4) | low : undefined;
}

// ---- printing ----

export interface PaperLine {
  number: number;
  digits: string;
  check: string;
  words: string;
  checkWords: string;
}

export async function paperLines(kind: PaperKind, content: Bytes): Promise<PaperLine[]> {
  const all = concat(content, await checkOfAll(kind, content));
  const words = (bytes: Uint8Array) => Array.from(bytes, checkWord).join(" ");
  const lines = await Promise.all(
    Array.from({ length: lineCount(kind) }, async (_, at): Promise<PaperLine> => {
      const bytes = all.subarray(at * LINE_BYTES, (at + 1) * LINE_BYTES);
      const check = await checkOf(kind, at + 1, bytes);
      return { number: at + 1, digits: `${toHex(bytes.subarray(0, 2))} ${toHex(bytes.subarray(2))}`, check: toHex(check), words: words(bytes), checkWords: words(check) };
    }),
  );
  all.fill(0);
  return lines;
}

export const contentOfShare = ({ x, threshold, count, set, y, blinding }: KeyShare): Bytes => concat(new Uint8Array([x, threshold, count, 0]), set, y, blinding);

export function shareOfContent(content: Bytes): KeyShare {
  const [x, threshold, count, zero] = content as unknown as [number, number, number, number];
  const isShare = content.length === contentSize("share") && x >= 1 && x <= count && threshold >= MIN_THRESHOLD && threshold <= count && count <= MAX_SHARES && zero === 0;
  if (!isShare) throw new TkeError("paper", "what was typed is not a key share");
  const at = SHARE_HEAD + SET_BYTES;
  return { set: slice(content, SHARE_HEAD, at), threshold, count, x, y: slice(content, at, at + KEY_BYTES), blinding: slice(content, at + KEY_BYTES) };
}

// ---- reading back ----

const wrongLine = (line: number, what: string) => new TkeError("paper", `line ${line}${what}`);

function readWords(line: number, tokens: readonly string[]): Bytes {
  if (tokens.length > TYPED_BYTES) throw wrongLine(line, " has more than 6 words");
  const bytes = tokens.map((word, at) => {
    const byte = byteOfWord(word);
    if (byte === undefined) throw wrongLine(line, `, word ${at + 1} is not a check word`);
    return byte;
  });
  if (bytes.length < TYPED_BYTES) throw wrongLine(line, ` has ${bytes.length} words, not 6`);
  return new Uint8Array(bytes);
}

function readDigits(line: number, digits: string): Bytes {
  const at = digits.search(/[^0-9a-f]/);
  if (at >= 0 && at <= 2 * TYPED_BYTES) throw wrongLine(line, `, digit ${at + 1} is not 0 to 9 or a to f`);
  if (digits.length > 2 * TYPED_BYTES) throw wrongLine(line, " has more than 12 digits");
  if (digits.length < 2 * TYPED_BYTES) throw wrongLine(line, ` has ${digits.length} digits, not 12`);
  return fromHex(digits)!;
}

// One line as it was typed, with its check: digits or words, in either case, perhaps with its number and a colon in front.
export async function readLine(kind: PaperKind, line: number, typed: string): Promise<Bytes> {
  if (utf8(typed).length > MAX_TYPED) throw wrongLine(line, " is too long");
  let tokens = typed.toLowerCase().split(/[ \t\r]+/).filter((token) => token !== "");
  if (tokens[0]?.endsWith(":")) {
    if (tokens[0] !== `${line}:`) throw wrongLine(line, " is expected, but another number is typed in front");
    tokens = tokens.slice(1);
  }
  const isDigits = /^[0-9a-f]*$/.test(tokens[0] ?? "");
  const bytes = isDigits ? readDigits(line, tokens.join("")) : readWords(line, tokens);
  const value = slice(bytes, 0, LINE_BYTES);
  const fits = equal(await checkOf(kind, line, value), bytes.subarray(LINE_BYTES));
  bytes.fill(0);
  if (!fits) throw wrongLine(line, ` does not fit its check: a ${isDigits ? "digit" : "word"} is wrong, or it is another line`);
  return value;
}

// All lines, in order, as readLine gives them.
export async function contentOfLines(kind: PaperKind, lines: readonly Bytes[]): Promise<Bytes> {
  const last = lineCount(kind);
  if (lines.length !== last) throw wrongLine(lines.length + 1, lines.length < last ? " is missing" : " is more than there are");
  const content = concat(...lines.slice(0, -1));
  if (equal(await checkOfAll(kind, content), lines[last - 1]!)) return content;
  content.fill(0);
  throw wrongLine(last, " does not fit the lines before: they are of different papers, or of another one than this line");
}

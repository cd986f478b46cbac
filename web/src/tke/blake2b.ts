// BLAKE2b without a key (RFC 7693), for Argon2id: WebCrypto has neither. Words of 64 bits are pairs of 32 bits, the low half
// first, as in the memory of Argon2.
import { concat, u32, type Bytes } from "./bytes";

const IV = new Uint32Array([
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a, 0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
]);
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const ROUNDS = 12;
const BLOCK_BYTES = 128;
// The words that each of the eight steps of a round mixes.
const MIXED = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

function add(words: Uint32Array, to: number, low: number, high: number): void {
  const sum = words[to]! + low;
  words[to] = sum;
  words[to + 1] = words[to + 1]! + high + (sum > 0xffffffff ? 1 : 0);
}

// XORs word `from` into word `to` and turns that to the right by `bits`.
function turn(words: Uint32Array, to: number, from: number, bits: number): void {
  let [low, high] = [words[to]! ^ words[from]!, words[to + 1]! ^ words[from + 1]!];
  if (bits >= 32) [low, high] = [high, low];
  const rest = bits % 32;
  words[to] = rest === 0 ? low : (low >>> rest) | (high << (32 - rest));
  words[to + 1] = rest === 0 ? high : (high >>> rest) | (low << (32 - rest));
}

function mix(words: Uint32Array, [a, b, c, d]: readonly [number, number, number, number], message: Uint32Array, x: number, y: number): void {
  const [at, bt, ct, dt] = [2 * a, 2 * b, 2 * c, 2 * d];
  for (const [word, first, second] of [[x, 32, 24], [y, 16, 63]] as const) {
    add(words, at, words[bt]!, words[bt + 1]!);
    add(words, at, message[2 * word]!, message[2 * word + 1]!);
    turn(words, dt, at, first);
    add(words, ct, words[dt]!, words[dt + 1]!);
    turn(words, bt, ct, second);
  }
}

function compress(state: Uint32Array, block: Uint8Array, counted: number, isLast: boolean): void {
  const view = new DataView(block.buffer, block.byteOffset, BLOCK_BYTES);
  const message = Uint32Array.from({ length: 32 }, (_, at) => view.getUint32(4 * at, true));
  const words = new Uint32Array(32);
  words.set(state);
  words.set(IV, 16);
  words[24] = words[24]! ^ counted;
  if (isLast) [words[28], words[29]] = [~words[28]!, ~words[29]!];
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = SIGMA[round % SIGMA.length]!;
    for (const [step, four] of MIXED.entries()) mix(words, four, message, order[2 * step]!, order[2 * step + 1]!);
  }
  for (let at = 0; at < 16; at += 1) state[at] = state[at]! ^ words[at]! ^ words[at + 16]!;
  message.fill(0);
  words.fill(0);
}

// `size`: 1 to 64 bytes. Of messages below 4 GiB.
export function blake2b(size: number, ...parts: Uint8Array[]): Bytes {
  const input = concat(...parts);
  const state = Uint32Array.from(IV);
  state[0] = state[0]! ^ 0x01010000 ^ size;
  const blocks = Math.max(1, Math.ceil(input.length / BLOCK_BYTES));
  for (let at = 0; at < blocks; at += 1) {
    const isLast = at === blocks - 1;
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(input.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES));
    compress(state, block, isLast ? input.length : (at + 1) * BLOCK_BYTES, isLast);
    block.fill(0);
  }
  input.fill(0);
  return littleEndian(state).slice(0, size);
}

export function littleEndian(words: Uint32Array): Bytes {
  const out = new Uint8Array(4 * words.length);
  const view = new DataView(out.buffer);
  for (const [at, word] of words.entries()) view.setUint32(4 * at, word, true);
  return out;
}

export const u32Little = (value: number): Bytes => u32(value).reverse();

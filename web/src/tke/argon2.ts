// Argon2id (RFC 9106), version 13 (hex), without a secret or associated data: the passwords of key shares go through it, and
// WebCrypto does not have it. A second or two at 64 MiB; the page may draw in between.
//
// Of each pass the first half of the first one reads memory at places that do not depend on the password, as the standard says.
import { concat, u32, type Bytes } from "./bytes";
import { blake2b, littleEndian, u32Little } from "./blake2b";

export interface Argon2Cost {
  memoryKib: number;
  passes: number;
  lanes: number;
}

const VERSION = 0x13;
const TYPE_ID = 2;
const SLICES = 4;
// Of a block of 1024 bytes.
const WORDS = 256;
const ADDRESSES = 128;
const HASH_BYTES = 64;

// H' of the standard: any number of bytes.
function longHash(size: number, ...parts: Uint8Array[]): Bytes {
  if (size <= HASH_BYTES) return blake2b(size, u32Little(size), ...parts);
  const out = new Uint8Array(size);
  let last = blake2b(HASH_BYTES, u32Little(size), ...parts);
  let at = 0;
  for (; size - at > HASH_BYTES; at += HASH_BYTES / 2) {
    out.set(last.subarray(0, HASH_BYTES / 2), at);
    last = blake2b(Math.min(HASH_BYTES, size - at - HASH_BYTES / 2), last);
  }
  out.set(last, at);
  return out;
}

// ---- the compression of a block ----

// a = a + b + 2 * low(a) * low(b), of 64 bits each.
function mulAdd(words: Uint32Array, a: number, b: number): void {
  const al = words[a]!;
  const bl = words[b]!;
  const [a1, b1] = [al >>> 16, bl >>> 16];
  // The product of the low halves, 16 bits at a time: each sum stays below 2^32.
  const middle = (Math.imul(a1, bl & 0xffff) >>> 0) + (Math.imul(al & 0xffff, bl & 0xffff) >>> 16);
  const cross = (Math.imul(al & 0xffff, b1) >>> 0) + (middle & 0xffff);
  const high = Math.imul(a1, b1) + (middle >>> 16) + (cross >>> 16);
  const low = Math.imul(al, bl);
  const sum = al + bl + ((low << 1) >>> 0);
  words[a] = sum;
  words[a + 1] = words[a + 1]! + words[b + 1]! + ((high << 1) | (low >>> 31)) + ((sum / 0x100000000) | 0);
}

function xorTurn(words: Uint32Array, to: number, from: number, bits: number): void {
  const low = words[to]! ^ words[from]!;
  const high = words[to + 1]! ^ words[from + 1]!;
  if (bits === 32) {
    words[to] = high;
    words[to + 1] = low;
  } else if (bits === 63) {
    words[to] = (low << 1) | (high >>> 31);
    words[to + 1] = (high << 1) | (low >>> 31);
  } else {
    words[to] = (low >>> bits) | (high << (32 - bits));
    words[to + 1] = (high >>> bits) | (low << (32 - bits));
  }
}

function mix(words: Uint32Array, a: number, b: number, c: number, d: number): void {
  mulAdd(words, a, b);
  xorTurn(words, d, a, 32);
  mulAdd(words, c, d);
  xorTurn(words, b, c, 24);
  mulAdd(words, a, b);
  xorTurn(words, d, a, 16);
  mulAdd(words, c, d);
  xorTurn(words, b, c, 63);
}

// Sixteen words of 64 bits: eight pairs, `step` apart from `at` on.
function permute(words: Uint32Array, at: number, step: number): void {
  const [p0, p2, p4, p6] = [at, at + step, at + 2 * step, at + 3 * step];
  const [p8, p10, p12, p14] = [at + 4 * step, at + 5 * step, at + 6 * step, at + 7 * step];
  mix(words, p0, p4, p8, p12);
  mix(words, p0 + 2, p4 + 2, p8 + 2, p12 + 2);
  mix(words, p2, p6, p10, p14);
  mix(words, p2 + 2, p6 + 2, p10 + 2, p14 + 2);
  mix(words, p0, p4 + 2, p10, p14 + 2);
  mix(words, p0 + 2, p6, p10 + 2, p12);
  mix(words, p2, p6 + 2, p8, p12 + 2);
  mix(words, p2 + 2, p4, p8 + 2, p14);
}

const mixed = new Uint32Array(WORDS);

// out = G(x, y), XORed into what `out` holds if `keep`.
function compress(x: Uint32Array, y: Uint32Array, out: Uint32Array, keep: boolean): void {
  for (let at = 0; at < WORDS; at += 1) mixed[at] = x[at]! ^ y[at]!;
  for (let row = 0; row < 8; row += 1) permute(mixed, 32 * row, 4);
  for (let column = 0; column < 8; column += 1) permute(mixed, 4 * column, 32);
  for (let at = 0; at < WORDS; at += 1) out[at] = mixed[at]! ^ x[at]! ^ y[at]! ^ (keep ? out[at]! : 0);
}

// ---- the memory ----

class Memory {
  private readonly words: Uint32Array;
  readonly laneBlocks: number;
  readonly segmentBlocks: number;

  constructor(readonly cost: Argon2Cost) {
    this.segmentBlocks = Math.floor(cost.memoryKib / (SLICES * cost.lanes));
    this.laneBlocks = SLICES * this.segmentBlocks;
    this.words = new Uint32Array(WORDS * this.laneBlocks * cost.lanes);
  }

  block(lane: number, at: number): Uint32Array {
    const first = WORDS * (lane * this.laneBlocks + at);
    return this.words.subarray(first, first + WORDS);
  }

  begin(seed: Bytes): void {
    for (let lane = 0; lane < this.cost.lanes; lane += 1) {
      for (const at of [0, 1]) {
        const bytes = longHash(4 * WORDS, seed, u32Little(at), u32Little(lane));
        const view = new DataView(bytes.buffer);
        const block = this.block(lane, at);
        for (let word = 0; word < WORDS; word += 1) block[word] = view.getUint32(4 * word, true);
      }
    }
  }

  // The block that is `number` of those that may be read: the newer ones more often.
  private reference(pass: number, slice: number, at: number, lane: number, other: number, number: number): Uint32Array {
    const finished = pass === 0 ? slice * this.segmentBlocks : this.laneBlocks - this.segmentBlocks;
    const isOwn = lane === other;
    const area = finished + (isOwn ? at - 1 : at === 0 ? -1 : 0);
    const square = Math.floor(multiplyHigh(number, number));
    const relative = area - 1 - multiplyHigh(area, square);
    const start = pass === 0 || slice === SLICES - 1 ? 0 : (slice + 1) * this.segmentBlocks;
    return this.block(other, (start + relative) % this.laneBlocks);
  }

  segment(pass: number, slice: number, lane: number): void {
    const { lanes, passes } = this.cost;
    const isFixed = pass === 0 && slice < SLICES / 2;
    const addresses = isFixed ? new Addresses(pass, lane, slice, this.laneBlocks * lanes, passes) : null;
    for (let at = pass === 0 && slice === 0 ? 2 : 0; at < this.segmentBlocks; at += 1) {
      const place = slice * this.segmentBlocks + at;
      const before = this.block(lane, (place + this.laneBlocks - 1) % this.laneBlocks);
      const [number, chosen] = addresses ? addresses.at(at) : [before[0]!, before[1]!];
      const other = pass === 0 && slice === 0 ? lane : chosen % lanes;
      compress(before, this.reference(pass, slice, at, lane, other, number), this.block(lane, place), pass > 0);
    }
  }

  finish(size: number): Bytes {
    const last = Uint32Array.from(this.block(0, this.laneBlocks - 1));
    for (let lane = 1; lane < this.cost.lanes; lane += 1) {
      for (const [at, word] of this.block(lane, this.laneBlocks - 1).entries()) last[at] = last[at]! ^ word;
    }
    const out = longHash(size, littleEndian(last));
    last.fill(0);
    return out;
  }

  wipe(): void {
    this.words.fill(0);
    mixed.fill(0);
  }
}

// The upper half of a product of two numbers of 32 bits.
const multiplyHigh = (a: number, b: number): number => Number((BigInt(a) * BigInt(b)) >> 32n);

// Places that depend on nothing but the counters.
class Addresses {
  private readonly input = new Uint32Array(WORDS);
  private readonly out = new Uint32Array(WORDS);
  private count = 0;

  constructor(pass: number, lane: number, slice: number, blocks: number, passes: number) {
    for (const [at, value] of [pass, lane, slice, blocks, passes, TYPE_ID].entries()) this.input[2 * at] = value;
  }

  at(number: number): [number, number] {
    const needed = Math.floor(number / ADDRESSES) + 1;
    if (this.count !== needed) {
      this.input[12] = this.count = needed;
      const zero = new Uint32Array(WORDS);
      compress(zero, this.input, this.out, false);
      compress(zero, Uint32Array.from(this.out), this.out, false);
    }
    const place = 2 * (number % ADDRESSES);
    return [this.out[place]!, this.out[place + 1]!];
  }
}

const draw = () => new Promise<void>((resolve) => setTimeout(resolve));

// `size`: 4 to 64 bytes.
export async function argon2id(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost, size: number): Promise<Bytes> {
  const numbers = [cost.lanes, size, cost.memoryKib, cost.passes, VERSION, TYPE_ID].map(u32Little);
  const seed = blake2b(HASH_BYTES, ...numbers, u32Little(password.length), password, u32Little(salt.length), salt, concat(u32(0), u32(0)));
  const memory = new Memory(cost);
  try {
    memory.begin(seed);
    for (let pass = 0; pass < cost.passes; pass += 1) {
      for (let slice = 0; slice < SLICES; slice += 1) {
        for (let lane = 0; lane < cost.lanes; lane += 1) memory.segment(pass, slice, lane);
        await draw();
      }
    }
    return memory.finish(size);
  } finally {
    memory.wipe();
    seed.fill(0);
  }
}

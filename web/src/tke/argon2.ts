// Argon2id (RFC 9106), version 13 (hex), without a secret or associated data: the passwords of key shares go through it, and
// WebCrypto does not have it. A second or two at 64 MiB; the page may draw in between.
import { argon2idAsync } from "@noble/hashes/argon2";
import type { Bytes } from "./bytes";

export interface Argon2Cost {
  memoryKib: number;
  passes: number;
  lanes: number;
}

const VERSION = 0x13;
const MILLISECONDS_BETWEEN_DRAWINGS = 50;

// `size`: 4 to 64 bytes.
export async function argon2id(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost, size: number): Promise<Bytes> {
  return new Uint8Array(
    await argon2idAsync(password, salt, {
      t: cost.passes,
      m: cost.memoryKib,
      p: cost.lanes,
      dkLen: size,
      version: VERSION,
      asyncTick: MILLISECONDS_BETWEEN_DRAWINGS,
    }),
  );
}

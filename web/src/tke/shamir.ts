// Shamir's scheme over GF(256) with x^8 + x^4 + x^3 + x + 1, byte by byte; the same as src/tke/shamir.cc. No table, no branch
// and no index depends on a secret byte. Format: docs/protocols/key-shares.md, "Sharing".
import { TkeError } from "./error";
import type { Bytes } from "./bytes";

export const MIN_THRESHOLD = 2;
export const MAX_SHARES = 16;

export interface ShamirShare {
  // 1 to 16.
  x: number;
  y: Bytes;
}

export function multiply(a: number, b: number): number {
  let left = a;
  let product = 0;
  for (let bit = 0; bit < 8; bit += 1) {
    product ^= left & -((b >> bit) & 1);
    left = (left << 1) ^ (0x11b & -(left >> 7));
  }
  return product;
}

// a^254: the group of units has order 255.
function inverse(a: number): number {
  let [power, out] = [a, 1];
  for (let bit = 1; bit < 8; bit += 1) {
    power = multiply(power, power);
    out = multiply(out, power);
  }
  return out;
}

const bad = (what: string) => new TkeError("shares", what);

// `coefficients`: those of x, then of x², …, each as long as the secret; given by tests only.
export function splitSecret(secret: Uint8Array, threshold: number, count: number, coefficients?: Uint8Array): ShamirShare[] {
  const fits = Number.isInteger(threshold) && Number.isInteger(count) && threshold >= MIN_THRESHOLD && threshold <= count && count <= MAX_SHARES && secret.length > 0;
  if (!fits) throw bad("shares: the threshold is 2 or more, and at most the number of shares, at most 16");
  const size = secret.length;
  const others = coefficients ?? crypto.getRandomValues(new Uint8Array((threshold - 1) * size));
  if (others.length !== (threshold - 1) * size) throw bad("shares: the number of coefficients does not fit");
  const shares = Array.from({ length: count }, (_, at): ShamirShare => {
    const x = at + 1;
    const y = new Uint8Array(size);
    for (let byte = 0; byte < size; byte += 1) {
      let value = 0;
      // Horner, from the highest power down.
      for (let power = threshold - 1; power >= 1; power -= 1) value = multiply(value ^ others[(power - 1) * size + byte]!, x);
      y[byte] = value ^ secret[byte]!;
    }
    return { x, y };
  });
  if (!coefficients) others.fill(0);
  return shares;
}

// The factor of a share in the value at 0 (Lagrange): the product of x_j / (x_j - x_at). Of public numbers only.
function weightAtZero(shares: readonly ShamirShare[], of: ShamirShare): number {
  let [above, below] = [1, 1];
  for (const other of shares) {
    if (other === of) continue;
    above = multiply(above, other.x);
    below = multiply(below, other.x ^ of.x);
  }
  return multiply(above, inverse(below));
}

export function combineShares(shares: readonly ShamirShare[]): Bytes {
  if (shares.length < MIN_THRESHOLD || shares.length > MAX_SHARES) throw bad("2 to 16 shares are combined");
  const size = shares[0]!.y.length;
  if (shares.some(({ x }) => x < 1 || x > MAX_SHARES)) throw bad("the number of a share is 1 to 16");
  if (size === 0 || shares.some(({ y }) => y.length !== size)) throw bad("shares of one secret have one size");
  if (new Set(shares.map(({ x }) => x)).size < shares.length) throw bad("a share is given twice");
  const out = new Uint8Array(size);
  for (const share of shares) {
    const weight = weightAtZero(shares, share);
    for (let byte = 0; byte < size; byte += 1) out[byte] = out[byte]! ^ multiply(share.y[byte]!, weight);
  }
  return out;
}

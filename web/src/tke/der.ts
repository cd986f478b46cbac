// DER as the administration protocol uses it: definite, minimal lengths, nothing left over (docs/protocols/tke.md).
import { concat, equal, readU32, u32, type Bytes } from "./bytes";
import { malformed } from "./error";

export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  printableString: 0x13,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0x80,
  context0Constructed: 0xa0,
  context1Constructed: 0xa1,
  context2Constructed: 0xa2,
  context3Constructed: 0xa3,
} as const;

const MAX_LENGTH_OCTETS = 4;

function lengthOf(size: number): Bytes {
  if (size < 0x80) return new Uint8Array([size]);
  const octets: number[] = [];
  for (let left = size; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return new Uint8Array([0x80 | octets.length, ...octets]);
}

export function element(tag: number, ...parts: Uint8Array[]): Bytes {
  const content = concat(...parts);
  return concat(new Uint8Array([tag]), lengthOf(content.length), content);
}
export const sequence = (...parts: Uint8Array[]): Bytes => element(TAG.sequence, ...parts);
export const octets = (content: Uint8Array): Bytes => element(TAG.octetString, content);
export const octetsU32 = (value: number): Bytes => octets(u32(value));
export const bitString = (content: Uint8Array): Bytes => element(TAG.bitString, new Uint8Array([0]), content);

// Reads element after element; throws TkeError "malformed" at the first that is not as asked for.
export class DerReader {
  private at = 0;

  constructor(
    private readonly bytes: Bytes,
    private readonly what = "DER",
  ) {}

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  end(): void {
    if (!this.atEnd) throw malformed(this.what);
  }

  peekTag(): number {
    return this.bytes[this.at] ?? 0;
  }

  private header(): { tag: number; start: number; end: number } {
    const { bytes, at } = this;
    if (bytes.length - at < 2) throw malformed(this.what);
    const tag = bytes[at]!;
    const first = bytes[at + 1]!;
    if ((tag & 0x1f) === 0x1f) throw malformed(this.what);
    let start = at + 2;
    let size = first;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > MAX_LENGTH_OCTETS || bytes.length < start + count) throw malformed(this.what);
      size = 0;
      for (let index = 0; index < count; index += 1) size = size * 256 + bytes[start + index]!;
      if (count === 1 ? size < 0x80 : size < 256 ** (count - 1)) throw malformed(this.what);
      start += count;
    }
    if (size > bytes.length - start) throw malformed(this.what);
    return { tag, start, end: start + size };
  }

  // The content of the next element, which must have this tag.
  read(tag: number): Bytes {
    const found = this.header();
    if (found.tag !== tag) throw malformed(this.what);
    this.at = found.end;
    return this.bytes.slice(found.start, found.end);
  }

  // The next element whole, with tag and length.
  readElement(): Bytes {
    const from = this.at;
    this.at = this.header().end;
    return this.bytes.slice(from, this.at);
  }

  enter(tag: number): DerReader {
    return new DerReader(this.read(tag), this.what);
  }

  octets(size?: number): Bytes {
    const content = this.read(TAG.octetString);
    if (size !== undefined && content.length !== size) throw malformed(this.what);
    return content;
  }

  octetsU32(): number {
    return readU32(this.octets(4));
  }

  bitString(): Bytes {
    const content = this.read(TAG.bitString);
    if (content.length === 0 || content[0] !== 0) throw malformed(this.what);
    return content.slice(1);
  }

  expect(tag: number, content: Uint8Array): void {
    if (!equal(this.read(tag), content)) throw malformed(this.what);
  }
}

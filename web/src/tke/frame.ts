// HTPRequest and HTPResponse texts around a CPRB, as POST /v1/tke/{instance}/hsms/{unit} carries them.
// Format: docs/protocols/tke.md, "Text frames" and "CPRB".
import { concat, fromHex, latin, readU32, slice, toHex, u32, utf8, type Bytes } from "./bytes";
import { malformed, TkeError } from "./error";

const CPRB_BYTES = 32;
const MAX_CHARACTERS = 64 * 1024;
const INFO_CHARACTERS = 156;
const TEXT_AT = 56;

export interface Frame {
  moduleIndex: number;
  domainIndex: number;
  payload: Bytes;
}

const HEAD = concat(new Uint8Array([0, CPRB_BYTES, 4, 0, 0, 0x80]), utf8("T4"), u32(0));
const zeros = (count: number) => new Uint8Array(count);

export function formatRequest({ moduleIndex, domainIndex, payload }: Frame): string {
  const cprb = concat(HEAD, u32(domainIndex), zeros(12), u32(payload.length), payload);
  const tail = `;PCI request;XPNUM   ;${moduleIndex};        ;${toHex(cprb).toUpperCase()}`;
  return `${tail.length}${tail}`;
}

interface Cprb {
  domainIndex: number;
  returnCode: number;
  reasonCode: number;
  payload: Bytes;
}

function readCprb(hex: string): Cprb {
  const bytes = fromHex(hex);
  if (!bytes || bytes.length < CPRB_BYTES || toHex(bytes.slice(0, 12)) !== toHex(HEAD)) throw malformed("parameter block");
  const codes = readU32(bytes, 16);
  if (readU32(bytes, 20) !== 0 || readU32(bytes, 24) !== 0 || readU32(bytes, 28) !== bytes.length - CPRB_BYTES) throw malformed("parameter block");
  return { domainIndex: readU32(bytes, 12), returnCode: codes >>> 16, reasonCode: codes & 0xffff, payload: slice(bytes, CPRB_BYTES) };
}

export function parseRequest(text: string): Frame {
  const fields = text.split(";");
  const [length, verb, program, module, blank, hex] = fields;
  const rest = text.length - (length ?? "").length;
  const isFrame = fields.length === 6 && text.length <= MAX_CHARACTERS && verb === "PCI request" && program === "XPNUM   " && blank === "        ";
  if (!isFrame || length !== String(rest) || !/^\d{1,10}$/.test(module!)) throw malformed("request frame");
  const { domainIndex, returnCode, reasonCode, payload } = readCprb(hex!);
  if (returnCode !== 0 || reasonCode !== 0) throw malformed("request frame");
  return { moduleIndex: Number(module), domainIndex, payload };
}

export function parseResponse(text: string): Bytes {
  const [, info, hex] = text.split(";");
  if (text.length > MAX_CHARACTERS || info === undefined || hex === undefined || info.length < INFO_CHARACTERS) throw malformed("response frame");
  const type = info.slice(0, 2).trim();
  if (type !== "00") {
    throw new TkeError("refused", `the administration gateway reports error ${type}-${info.slice(2, 10).trim()}-${info.slice(10, 18).trim()}: ${info.slice(TEXT_AT).trim()}`);
  }
  const cprb = readCprb(hex);
  if (cprb.returnCode !== 0 || cprb.reasonCode !== 0) {
    throw new TkeError("refused", `the parameter block reports return code ${cprb.returnCode}, reason code ${cprb.reasonCode}`, cprb.returnCode, cprb.reasonCode);
  }
  return cprb.payload;
}

export interface UnitTarget {
  moduleIndex: number;
  domainIndex: number;
  // 8 ASCII characters, as the service lists it.
  serialNumber: string;
}

// Module and domain index from "[region].[AZn-CSm].[module].[domain]".
export function targetOf(location: string, serialNumber: string): UnitTarget {
  const found = /^\[[^\]]+\]\.\[[^\]]+\]\.\[(\d{1,10})\]\.\[(\d{1,10})\]$/.exec(location);
  if (!found || serialNumber.length !== 8) throw malformed("location or serial number of a crypto unit");
  return { moduleIndex: Number(found[1]), domainIndex: Number(found[2]), serialNumber };
}

export const serialOf = (moduleId: Uint8Array): string => latin(moduleId.slice(0, 8));

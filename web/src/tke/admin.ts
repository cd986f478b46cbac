// What travels inside a CPRB: administrative requests and answers, and the unsigned information query.
// Format: docs/protocols/tke.md, "Payloads"; the same as src/tke/admin.cc.
import { concat, readU32, slice, u32, type Bytes } from "./bytes";
import { DerReader, octets, octetsU32, sequence, TAG } from "./der";
import { malformed } from "./error";

const FUNCTION_ADMIN = 0x00010029;
const FUNCTION_INFO = 0x00010026;
const INFO_DOMAIN = 3;
const DOMAIN_INFO_BYTES = 80;
const MAX_IDENTIFIER_BYTES = 64;
export const MODULE_ID_BYTES = 16;

// Ids on the wire are an open set: any other is answered "not supported" by the unit.
export const COMMAND = {
  addAdministrator: 0x02,
  removeAdministrator: 0x04,
  replaceAdministrator: 0x06,
  setAttributes: 0x08,
  generateImporter: 0x09,
  createRandomKey: 0x0a,
  exportCurrentKey: 0x0b,
  importKeyParts: 0x0c,
  commitPending: 0x0d,
  finalizePending: 0x0e,
  zeroize: 0x10,
  setControlPoints: 0x11,
  enableControlPoints: 0x12,
  disableControlPoints: 0x13,
  reencryptBlob: 0x19,
  clearCurrent: 0x1b,
  clearPending: 0x1c,
  exportPendingKey: 0x26,
  acceptRecords: 0x4b01,
  offerTransfer: 0x4b02,
  authorizeTransfer: 0x4b03,
  consentTransfer: 0x4b04,
  queryAdministrators: 0x00010002,
  queryOaCertificate: 0x00010003,
  queryImporter: 0x00010004,
  queryControlPoints: 0x00010006,
  queryCurrentPattern: 0x00010007,
  queryPendingPattern: 0x00010008,
  queryAttributes: 0x0001000a,
} as const;

const NAMES: Record<number, string> = {
  [COMMAND.addAdministrator]: "add administrator",
  [COMMAND.removeAdministrator]: "remove administrator",
  [COMMAND.replaceAdministrator]: "replace administrator",
  [COMMAND.setAttributes]: "set attributes",
  [COMMAND.generateImporter]: "generate importer key",
  [COMMAND.createRandomKey]: "create random master key",
  [COMMAND.exportCurrentKey]: "export current master key",
  [COMMAND.importKeyParts]: "import key parts",
  [COMMAND.commitPending]: "commit new master key",
  [COMMAND.finalizePending]: "set master key immediate",
  [COMMAND.zeroize]: "zeroize",
  [COMMAND.setControlPoints]: "set control points",
  [COMMAND.enableControlPoints]: "enable control points",
  [COMMAND.disableControlPoints]: "disable control points",
  [COMMAND.reencryptBlob]: "re-encrypt key blob",
  [COMMAND.clearCurrent]: "clear current master key",
  [COMMAND.clearPending]: "clear new master key",
  [COMMAND.exportPendingKey]: "export new master key",
  [COMMAND.acceptRecords]: "accept stored records",
  [COMMAND.offerTransfer]: "offer to take keys of another deployment",
  [COMMAND.authorizeTransfer]: "authorize the transfer of keys to another deployment",
  [COMMAND.consentTransfer]: "consent to transferred keys",
};
export const nameOfCommand = (command: number): string => NAMES[command] ?? `unknown command ${command.toString(16).toUpperCase().padStart(8, "0")}`;

export interface AdminBlock {
  command: number;
  domainIndex: number;
  domainInstance: number;
  // Both are empty in queries.
  moduleId: Bytes;
  counter: Bytes;
  input: Bytes;
}

export interface AdminRequest {
  domainIndex: number;
  // DER of the AdminBlock: what is signed.
  block: Bytes;
  // SignerInfo after SignerInfo.
  signerInfos: Bytes;
}

export interface AdminAnswer {
  command: number;
  domainIndex: number;
  domainInstance: number;
  moduleId: Bytes;
  counter: Bytes;
  returnCode: number;
  output: Bytes;
}

export const EMPTY: Bytes = new Uint8Array(0);

export const encodeBlock = (block: AdminBlock): Bytes =>
  sequence(octetsU32(block.command), octets(concat(u32(block.domainIndex), u32(block.domainInstance))), octets(block.moduleId), octets(block.counter), octets(block.input));

export const encodeRequest = (request: AdminRequest): Bytes =>
  sequence(octetsU32(FUNCTION_ADMIN), octetsU32(request.domainIndex), octets(request.block), octets(request.signerInfos));

export const encodeDomainQuery = (domainIndex: number): Bytes =>
  sequence(octetsU32(FUNCTION_INFO), octetsU32(domainIndex), octetsU32(INFO_DOMAIN), octetsU32(0));

function readHead(fields: DerReader) {
  const command = fields.octetsU32();
  const domain = fields.octets(8);
  const moduleId = fields.octets();
  const counter = fields.octets();
  if (moduleId.length > MAX_IDENTIFIER_BYTES || counter.length > MAX_IDENTIFIER_BYTES) throw malformed("command block");
  return { command, domainIndex: readU32(domain), domainInstance: readU32(domain, 4), moduleId, counter };
}

function whole<Value>(der: Bytes, what: string, read: (fields: DerReader) => Value): Value {
  const outer = new DerReader(der, what);
  const fields = outer.enter(TAG.sequence);
  const value = read(fields);
  fields.end();
  outer.end();
  return value;
}

export const parseBlock = (der: Bytes): AdminBlock => whole(der, "command block", (fields) => ({ ...readHead(fields), input: fields.octets() }));

function readRequest(fields: DerReader): AdminRequest {
  if (fields.octetsU32() !== FUNCTION_ADMIN) throw malformed("administrative request");
  return { domainIndex: fields.octetsU32(), block: fields.octets(), signerInfos: fields.octets() };
}
export const parseRequestPayload = (der: Bytes): AdminRequest => whole(der, "administrative request", readRequest);

// Inner requests of an import: one after another.
export function parseRequests(der: Bytes, limit: number): AdminRequest[] {
  const outer = new DerReader(der, "import of key parts");
  const out: AdminRequest[] = [];
  while (!outer.atEnd) {
    if (out.length === limit) throw malformed("import of key parts");
    const fields = outer.enter(TAG.sequence);
    out.push(readRequest(fields));
    fields.end();
  }
  if (out.length === 0) throw malformed("import of key parts");
  return out;
}

export const parseAnswerBlock = (der: Bytes): AdminAnswer =>
  whole(der, "answer block", (fields) => ({ ...readHead(fields), returnCode: fields.octetsU32(), output: fields.octets() }));

export const reasonOf = (answer: AdminAnswer): number => (answer.returnCode !== 0 && answer.output.length >= 4 ? readU32(answer.output) : 0);

export interface AdminResponse {
  returnCode: number;
  // Empty in the short form of a refusal, which is not signed.
  block: Bytes;
  signerInfos: Bytes;
}

export const parseResponsePayload = (der: Bytes): AdminResponse =>
  whole(der, "administrative answer", (fields) => {
    if (fields.octetsU32() !== FUNCTION_ADMIN) throw malformed("administrative answer");
    fields.octetsU32();
    const returnCode = fields.octetsU32();
    if (fields.atEnd && returnCode !== 0) return { returnCode, block: EMPTY, signerInfos: EMPTY };
    return { returnCode, block: fields.octets(), signerInfos: fields.octets() };
  });

// Never signed: for display, not for decisions.
export interface DomainInfo {
  domainIndex: number;
  flags: number;
}
export const PENDING_COMMITTED = 0x08;

export function parseDomainInfo(der: Bytes): DomainInfo {
  return whole(der, "domain information", (fields) => {
    if (fields.octetsU32() !== FUNCTION_INFO) throw malformed("domain information");
    fields.octetsU32();
    if (fields.octetsU32() !== 0) throw malformed("domain information");
    const payload = fields.octets();
    if (payload.length < DOMAIN_INFO_BYTES) throw malformed("domain information");
    return { domainIndex: readU32(payload), flags: readU32(payload, 68) };
  });
}

// Plus one, as a big-endian number that wraps.
export function nextCounter(counter: Bytes, steps = 1): Bytes {
  const out = slice(counter, 0);
  for (let step = 0; step < steps; step += 1) {
    for (let at = out.length - 1; at >= 0; at -= 1) {
      out[at] = (out[at]! + 1) & 0xff;
      if (out[at] !== 0) break;
    }
  }
  return out;
}

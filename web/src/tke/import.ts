// Loading key parts: each part is sealed to the unit's importer key and signed by its own administrator, all for one
// counter, and all travel in one command. What one administrator makes (a sealed part) is no secret: it can be handed to
// whoever sends the import, as a file. Format of the commands: docs/protocols/tke.md, "Import".
import { concat, equal, fromBase64, fromHex, sha256, toBase64, toHex, utf8, type Bytes } from "./bytes";
import { COMMAND, encodeBlock, encodeRequest, parseBlock, parseRequestPayload, type AdminBlock, type AdminRequest } from "./admin";
import { parseSignerInfos, signBlock, type Signer } from "./administrator";
import { frameOf, type BlockText } from "./block-text";
import { TkeError } from "./error";
import { MAX_KEY_PARTS, parseRecipientInfo } from "./key-part";
import { makeBlock, type Moment } from "./rules";
import { shortSkiOf, type PublicKey } from "./p521";

const FILE_TYPE = "keyhaven-sealed-key-part";
const MAX_FILE_BYTES = 256 * 1024;
const MAX_UNITS = 32;

// One key part as its administrator hands it over: for each unit a signed request, and the part's own pattern, which
// custodians compare.
export interface SealedPart {
  instance: string;
  // Of the part, as its owner knows it; nobody else can check it.
  pattern: string;
  by: string;
  units: { hsm: string; request: Bytes }[];
}

export const partBlock = (moment: Moment, domainIndex: number, recipientInfo: Bytes): AdminBlock => makeBlock(moment, domainIndex, COMMAND.importKeyParts, recipientInfo);

// What an administrator signs for one key part. The block's input is the encrypted part, which says nothing by itself.
export async function describePart(der: Bytes, importer: PublicKey, pattern: Bytes): Promise<BlockText> {
  const block = parseBlock(der);
  const info = parseRecipientInfo(block.input);
  const id = await shortSkiOf(importer.point);
  if (!equal(id, info.importer)) throw new TkeError("stale", "the key part is sealed to another importer key");
  return {
    block,
    command: "import key part",
    about: [
      { name: "key part", value: `encrypted, ${block.input.length} bytes, SHA-256 ${toHex(await sha256(block.input))}` },
      { name: "pattern of the key part", value: toHex(pattern) },
      { name: "encrypted to importer key", value: toHex(id) },
    ],
    frame: frameOf(block),
    understood: true,
  };
}

export async function signPart(block: AdminBlock, signer: Signer): Promise<Bytes> {
  const der = encodeBlock(block);
  return encodeRequest({ domainIndex: block.domainIndex, block: der, signerInfos: await signBlock(der, [signer]) });
}

// Throws "stale" for a part that is not for this unit as it is now, "parts" for one signer twice.
export async function importBlock(moment: Moment, domainIndex: number, importer: PublicKey, requests: readonly Bytes[]): Promise<AdminBlock> {
  if (requests.length < 2 || requests.length > MAX_KEY_PARTS) throw new TkeError("parts", "a master key is loaded in at least two key parts, each signed by another administrator");
  const ids = [await shortSkiOf(importer.point)];
  const signers = new Set<string>();
  for (const der of requests) {
    const request: AdminRequest = parseRequestPayload(der);
    const inner = parseBlock(request.block);
    if (!equal(encodeBlock(partBlock(moment, domainIndex, inner.input)), request.block)) throw new TkeError("stale", "a key part was sealed for another moment of this unit: seal it again");
    const info = parseRecipientInfo(inner.input);
    if (!ids.some((id) => equal(id, info.importer))) throw new TkeError("stale", "a key part is sealed to another importer key than this unit has now: seal it again");
    const [signer, more] = parseSignerInfos(request.signerInfos);
    if (!signer || more || signers.has(toHex(signer.ski))) throw new TkeError("parts", "no administrator may sign two key parts");
    signers.add(toHex(signer.ski));
  }
  return makeBlock(moment, domainIndex, COMMAND.importKeyParts, concat(...requests));
}

// The whole key as a recovery unit has sealed it to this unit's importer key, signed by one administrator.
export async function copyBlock(moment: Moment, domainIndex: number, request: Bytes): Promise<AdminBlock> {
  const inner = parseBlock(parseRequestPayload(request).block);
  if (!equal(encodeBlock(partBlock(moment, domainIndex, inner.input)), parseRequestPayload(request).block)) throw new TkeError("stale", "the copy of the master key was signed for another moment of this unit: copy it again");
  return makeBlock(moment, domainIndex, COMMAND.importKeyParts, request);
}

export const writeSealedPart = (part: SealedPart): string =>
  `${JSON.stringify({ type: FILE_TYPE, instance: part.instance, pattern: part.pattern, by: part.by, units: part.units.map(({ hsm, request }) => ({ hsm, request: toBase64(request) })) })}\n`;

export function readSealedPart(text: string, instance: string): SealedPart {
  const wrong = (what: string) => new TkeError("keyFile", `sealed key part: ${what}`);
  if (utf8(text).length > MAX_FILE_BYTES) throw wrong("larger than 256 KiB");
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw wrong("not a JSON object");
  }
  const { type, pattern, by, units } = value ?? {};
  if (type !== FILE_TYPE || typeof pattern !== "string" || fromHex(pattern)?.length !== 32 || typeof by !== "string" || !Array.isArray(units) || units.length > MAX_UNITS) throw wrong("not such a file");
  if (value.instance !== instance) throw wrong("it is for another instance");
  try {
    return { instance, pattern, by, units: units.map(({ hsm, request }: { hsm: string; request: string }) => ({ hsm: String(hsm), request: fromBase64(request) })) };
  } catch {
    throw wrong("not such a file");
  }
}

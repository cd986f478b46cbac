// What can be proved of a transcript's entries in this page: the chain of hashes, the module's signature over each answer
// with its certificates up to the root, and the administrators' signatures over each command, with certificates from
// earlier entries or from the units. Counters, thresholds and completeness are judged over all entries: transcript-check.ts.
// Format: docs/operations/proposals.md; the same bytes as src/tke/transcript_entry.cc.
import { concat, equal, fromBase64, fromHex, toHex, u32, utf8, type Bytes } from "./bytes";
import { COMMAND, nameOfCommand, parseAnswerBlock, parseBlock, parseRequestPayload, parseRequests, parseResponsePayload, reasonOf, type AdminBlock } from "./admin";
import { parseCertificate, parseSignerInfos, verifySignature, type Administrator } from "./administrator";
import { verifyChain, type AttestationRoot } from "./attestation";
import { parseRequest, parseResponse, serialOf } from "./frame";
import { MAX_KEY_PARTS } from "./key-part";
import { isSignedBy } from "./unit-session";

export interface Entry {
  sequence: number;
  previous: string;
  hash: string;
  time_us: number;
  hsm_id: string;
  location: string;
  caller: string;
  request: string;
  response: string;
  certificates: string[];
}

export interface CheckedEntry {
  sequence: number;
  command: string;
  block: AdminBlock | null;
  blockDer: Bytes | null;
  // "broken": the hash is not that of the entry, or the entry before has another.
  chain: "verified" | "broken";
  // "unsigned": a refusal in the short form, which modules do not sign.
  unit: "verified" | "false" | "unsigned" | "none";
  accepted: boolean | null;
  returnCode: number;
  reasonCode: number;
  signers: { ski: string; name: string; state: "verified" | "false" | "unknown" }[];
}

const LABEL = concat(utf8("keyhaven transcript entry"), new Uint8Array([0]));
const uuidBytes = (text: string) => fromHex(text.replaceAll("-", "")) ?? new Uint8Array(0);
const text32 = (text: string) => {
  const bytes = utf8(text);
  return concat(u32(bytes.length), bytes);
};
function u64(value: number): Bytes {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigInt64(0, BigInt(value));
  return out;
}

export async function hashOf(instance: string, entry: Entry): Promise<string> {
  const certificates = entry.certificates.map((text) => fromBase64(text));
  const bytes = concat(
    LABEL, new Uint8Array([1]), uuidBytes(instance), u64(entry.sequence), fromHex(entry.previous) ?? new Uint8Array(0), u64(entry.time_us), uuidBytes(entry.hsm_id),
    text32(entry.location), text32(entry.caller), text32(entry.request), text32(entry.response),
    u32(certificates.length), ...certificates.flatMap((certificate) => [u32(certificate.length), certificate]),
  );
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

interface Command {
  block: AdminBlock;
  der: Bytes;
  signerInfos: Bytes;
}
function commandOf(entry: Entry): Command | null {
  try {
    const request = parseRequestPayload(parseRequest(entry.request).payload);
    return { block: parseBlock(request.block), der: request.block, signerInfos: request.signerInfos };
  } catch {
    return null;
  }
}

// Knows certificates from one entry to the next: give the entries in order.
export class TranscriptReader {
  private readonly known = new Map<string, Administrator>();
  private before: string | null = null;

  // `certain`: administrators that the units themselves named.
  constructor(
    private readonly instance: string,
    private readonly root: AttestationRoot,
    certain: readonly Administrator[] = [],
  ) {
    for (const one of certain) this.known.set(toHex(one.ski), one);
  }

  async read(entry: Entry): Promise<CheckedEntry> {
    const command = commandOf(entry);
    const answer = await this.answerOf(entry, command);
    if (command && answer.accepted && answer.unit === "verified") await this.learn(command.block);
    const isHash = (await hashOf(this.instance, entry).catch(() => "")) === entry.hash;
    const follows = this.before === null || this.before === entry.previous;
    this.before = entry.hash;
    return {
      sequence: entry.sequence,
      command: command ? nameOfCommand(command.block.command) : "",
      block: command?.block ?? null,
      blockDer: command?.der ?? null,
      chain: isHash && follows ? "verified" : "broken",
      ...answer,
      signers: command ? await this.signersOf(command) : [],
    };
  }

  private async answerOf(entry: Entry, command: Command | null): Promise<Pick<CheckedEntry, "unit" | "accepted" | "returnCode" | "reasonCode">> {
    if (!entry.response) return { unit: "none", accepted: null, returnCode: 0, reasonCode: 0 };
    try {
      const response = parseResponsePayload(parseResponse(entry.response));
      if (response.block.length === 0) return { unit: "unsigned", accepted: false, returnCode: response.returnCode, reasonCode: 0 };
      const answer = parseAnswerBlock(response.block);
      const module = await verifyChain(entry.certificates.map((text) => fromBase64(text)), this.root);
      const isSigned = await isSignedBy(response.block, response.signerInfos, module.key);
      const isOurs = command !== null && answer.command === command.block.command && answer.domainIndex === command.block.domainIndex;
      const isModule = !module.serialNumber || module.serialNumber === serialOf(answer.moduleId);
      // A command that is accepted is named by its counter.
      const isThis = answer.returnCode !== 0 || (command !== null && (command.block.counter.length === 0 || equal(answer.counter, command.block.counter)));
      return { unit: isSigned && isOurs && isModule && isThis ? "verified" : "false", accepted: answer.returnCode === 0, returnCode: answer.returnCode, reasonCode: reasonOf(answer) };
    } catch {
      return { unit: "false", accepted: null, returnCode: 0, reasonCode: 0 };
    }
  }

  private async learn(block: AdminBlock): Promise<void> {
    if (block.command !== COMMAND.addAdministrator && block.command !== COMMAND.replaceAdministrator) return;
    const der = block.command === COMMAND.addAdministrator ? block.input : block.input.slice(32);
    const administrator = await parseCertificate(der).catch(() => null);
    if (administrator) this.known.set(toHex(administrator.ski), administrator);
  }

  // Of an import each key part is signed, and not the whole.
  private async signersOf(command: Command): Promise<CheckedEntry["signers"]> {
    const out: CheckedEntry["signers"] = [];
    try {
      if (command.block.command === COMMAND.importKeyParts) {
        for (const part of parseRequests(command.block.input, MAX_KEY_PARTS)) out.push(...(await this.signersOfBytes(part.block, part.signerInfos)));
      }
      out.push(...(await this.signersOfBytes(command.der, command.signerInfos)));
    } catch {
      out.push({ ski: "", name: "", state: "false" });
    }
    return out;
  }

  private async signersOfBytes(der: Bytes, signerInfos: Bytes): Promise<CheckedEntry["signers"]> {
    const out: CheckedEntry["signers"] = [];
    for (const info of parseSignerInfos(signerInfos)) {
      const ski = toHex(info.ski);
      const administrator = this.known.get(ski);
      const state = !administrator ? "unknown" : (await verifySignature(administrator, der, info)) ? "verified" : "false";
      out.push({ ski, name: administrator?.name ?? "", state });
    }
    return out;
  }
}

// What a command block says, in words: decoded in this page from the bytes that are signed. The same lines as
// src/tke/block_text.cc. Every byte is accounted for: shown as a value, implied by the strict DER form, or named by a
// SHA-256; what cannot be decoded is shown whole in hexadecimal and clears `understood`.
import { equal, readU32, toHex, type Bytes } from "./bytes";
import { COMMAND, encodeBlock, encodeRequest, MODULE_ID_BYTES, nameOfCommand, parseBlock, parseRequests, type AdminBlock, type AdminRequest } from "./admin";
import { fingerprint, parseCertificate, parseSignerInfos, SKI_BYTES } from "./administrator";
import { attributePairs, CONTROL_POINT_BYTES, CONTROL_POINTS, controlPointBits, hex8, permissionsText } from "./attributes";
import { malformed, TkeError } from "./error";
import { exportTarget, makeExportRequest } from "./key-export";
import { MAX_KEY_PARTS } from "./key-part";
import { skiOf, type PublicKey } from "./p521";
import { parseAuthorization, parseConsent, parseOffer, verifyOffer } from "./transfer";

export const MAX_BLOCK_BYTES = 16 * 1024;
const IMPORTER_P521 = 3;
const IMPORTER_RSA = 0;

export interface BlockLine {
  name: string;
  value: string;
}

export interface BlockText {
  block: AdminBlock;
  command: string;
  // The input.
  about: BlockLine[];
  // Whom and when it is for.
  frame: BlockLine[];
  understood: boolean;
}

// Printable ASCII as it is; else quoted, with the bytes beside it, so that no two names look alike. `text` has one letter
// for each byte.
export function shownText(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, "?");
  if (plain === text) return plain;
  return `"${plain}" (not plain ASCII; bytes ${Array.from(text, (letter) => letter.charCodeAt(0).toString(16).padStart(2, "0")).join("")})`;
}

class Describer {
  readonly about: BlockLine[] = [];
  understood = true;

  constructor(private readonly block: AdminBlock) {}

  private add(name: string, value: string): void {
    this.about.push({ name, value });
  }
  private undecoded(why: string, bytes: Uint8Array): void {
    this.understood = false;
    this.add("NOT DECODED", `${why}; ${bytes.length} bytes follow in hexadecimal: ${bytes.length ? toHex(bytes) : "none"}`);
  }

  async describe(): Promise<void> {
    const { input, command } = this.block;
    switch (command) {
      case COMMAND.addAdministrator:
        return this.certificate("administrator added", input);
      case COMMAND.removeAdministrator:
        return this.fixed("administrator removed", SKI_BYTES);
      case COMMAND.replaceAdministrator:
        return this.replacement();
      case COMMAND.setAttributes:
        return this.attributes();
      case COMMAND.generateImporter:
        return this.importer();
      case COMMAND.exportCurrentKey:
      case COMMAND.exportPendingKey:
        return this.exported();
      case COMMAND.importKeyParts:
        return this.imported();
      case COMMAND.commitPending:
      case COMMAND.finalizePending:
        return this.fixed("verification pattern", 32);
      case COMMAND.setControlPoints:
        return this.controlPoints("control points, all others off");
      case COMMAND.enableControlPoints:
        return this.controlPoints("control points switched on");
      case COMMAND.disableControlPoints:
        return this.controlPoints("control points switched off");
      case COMMAND.acceptRecords:
        return this.fixed("accepted difference", 32);
      case COMMAND.offerTransfer:
        return this.offered();
      case COMMAND.authorizeTransfer:
        return this.authorized();
      case COMMAND.consentTransfer:
        return this.consented();
      case COMMAND.createRandomKey:
      case COMMAND.zeroize:
      case COMMAND.clearCurrent:
      case COMMAND.clearPending:
        if (input.length > 0) this.undecoded("this command takes no input", input);
        return;
      default:
        this.undecoded("a command that this version does not know", input);
    }
  }

  private fixed(name: string, size: number): void {
    const { input } = this.block;
    if (input.length === size) this.add(name, toHex(input));
    else this.undecoded(`${name} must have ${size} bytes`, input);
  }

  // Runs `read`; what it refuses is shown whole.
  private async tried<Value>(bytes: Uint8Array, read: () => Promise<Value> | Value): Promise<Value | undefined> {
    try {
      return await read();
    } catch (error) {
      this.undecoded(error instanceof Error ? error.message : String(error), bytes);
      return undefined;
    }
  }

  private async certificate(name: string, der: Bytes): Promise<void> {
    const read = await this.tried(der, () => parseCertificate(der));
    if (!read) return;
    this.add(name, shownText(read.name));
    this.add("subject key identifier", toHex(read.ski));
    this.add("kind of key", read.key.kind === "ecdsa" ? "P-521" : "RSA-2048");
    this.add("certificate", `${der.length} bytes, SHA-256 ${toHex(await fingerprint(der))}`);
  }
  private async replacement(): Promise<void> {
    const { input } = this.block;
    if (input.length <= SKI_BYTES) return this.undecoded("no certificate follows", input);
    this.add("administrator removed", toHex(input.slice(0, SKI_BYTES)));
    return this.certificate("administrator put in the place", input.slice(SKI_BYTES));
  }

  private async attributes(): Promise<void> {
    const { input } = this.block;
    const pairs = await this.tried(input, () => attributePairs(input));
    for (const [index, value] of pairs ?? []) this.attribute(index, value);
  }
  private attribute(index: number, value: number): void {
    if (index === 1) this.add("signature threshold", String(value));
    else if (index === 2) this.add("revocation threshold", String(value));
    else if (index === 3) this.add("permissions", `${hex8(value)}: ${permissionsText(value)}`);
    else if (index === 4) this.add("operational mode", hex8(value));
    else if (index === 5) this.add("compliance", hex8(value));
    else this.add(`attribute ${index}, which units ignore`, hex8(value));
  }

  private importer(): void {
    const { input } = this.block;
    if (input.length !== 4) return this.undecoded("the type of an importer key must have 4 bytes", input);
    const type = readU32(input);
    if (type === IMPORTER_P521) this.add("importer key", "P-521");
    else if (type === IMPORTER_RSA) this.add("importer key", "RSA-2048");
    else this.undecoded("an unknown type of importer key", input);
  }
  private async exported(): Promise<void> {
    const { input } = this.block;
    const key = await this.tried(input, () => exportTarget(input));
    if (!key) return;
    this.add("encrypted to importer key", toHex(await skiOf(key.point)));
    // The map may be written in several ways that say the same.
    if (!equal(makeExportRequest(key.point), input)) this.add("form of the request", `not ours; SHA-256 ${toHex(await fingerprint(input))}`);
  }
  private async imported(): Promise<void> {
    const { input } = this.block;
    const parts = await this.tried(input, () => parseRequests(input, MAX_KEY_PARTS));
    for (const [index, part] of (parts ?? []).entries()) await this.keyPart(`key part ${index + 1}`, part);
  }
  private async keyPart(name: string, part: AdminRequest): Promise<void> {
    const whole = encodeRequest(part);
    try {
      const inner = parseBlock(part.block);
      const signers = parseSignerInfos(part.signerInfos);
      const expected = encodeBlock({ ...this.block, input: inner.input });
      if (part.domainIndex !== this.block.domainIndex || !equal(expected, part.block)) throw malformed(name);
      const by = signers.map((signer) => toHex(signer.ski)).join(", ");
      this.add(name, `encrypted, ${inner.input.length} bytes, SHA-256 ${toHex(await fingerprint(inner.input))}, signed by ${by || "nobody"}`);
    } catch {
      this.undecoded(`${name} is malformed or for another unit or time`, whole);
    }
  }

  private controlPoints(name: string): void {
    const { input } = this.block;
    if (input.length !== CONTROL_POINT_BYTES) return this.undecoded("control points must have 16 bytes", input);
    const names = controlPointBits(input).map((bit) => {
      const row = CONTROL_POINTS.find((point) => point.bit === bit);
      return row ? `${row.name} (${row.meaning})` : `bit ${bit} without a name`;
    });
    this.add(name, names.length ? names.join(", ") : "none");
  }

  private async root(name: string, key: PublicKey): Promise<void> {
    this.add(name, toHex(await skiOf(key.point)));
  }
  private async offered(): Promise<void> {
    const { input } = this.block;
    const offer = await this.tried(input, () => parseOffer(input));
    if (!offer) return;
    this.add("keys are taken by instance", offer.target);
    this.add("only from instance", offer.source);
    await this.root("only of the deployment with root", offer.sourceRoot);
    this.add("until", offer.expires);
  }
  // An offer that does not verify is shown whole: nobody should sign for it.
  private async authorized(): Promise<void> {
    const { input } = this.block;
    const read = await this.tried(input, async () => {
      const authorization = await parseAuthorization(input);
      return { authorization, offer: await verifyOffer(authorization.offer, authorization.targetRoot) };
    });
    if (!read) return;
    const { authorization, offer } = read;
    this.add("keys leave instance", authorization.source);
    this.add("for instance", offer.target);
    await this.root("of the deployment with root", authorization.targetRoot);
    await this.root("made by the module", offer.moduleKey);
    this.add("import key", toHex(await skiOf(offer.importKey)));
    this.add("the offer is for instance", offer.source);
    this.add("the offer is for the deployment with root", toHex(offer.sourceRoot));
    this.add("transfer", offer.id);
    this.add("the offer ends", offer.expires);
    this.add("until", authorization.expires);
    this.add("offer", `SHA-256 ${toHex(await fingerprint(authorization.offer))}`);
  }
  private async consented(): Promise<void> {
    const { input } = this.block;
    const consent = await this.tried(input, () => parseConsent(input));
    if (!consent) return;
    this.add("transfer", consent.id);
    this.add("keys", String(consent.keys));
    this.add("manifest", `SHA-256 ${toHex(consent.manifest)}`);
  }
}

function moduleText(moduleId: Uint8Array): string {
  if (moduleId.length === 0) return "not named";
  if (moduleId.length !== MODULE_ID_BYTES) return toHex(moduleId);
  return `serial number ${shownText(String.fromCharCode(...moduleId.slice(0, 8)))}, module instance ${toHex(moduleId.slice(8))}`;
}

export const frameOf = (block: AdminBlock): BlockLine[] => [
  { name: "domain", value: `${block.domainIndex}, instance ${block.domainInstance}` },
  { name: "module", value: moduleText(block.moduleId) },
  { name: "counter", value: block.counter.length ? toHex(block.counter) : "not named" },
];

// Throws "malformed" for bytes that are no command block in its one DER form.
export async function describeBlock(der: Bytes): Promise<BlockText> {
  if (der.length > MAX_BLOCK_BYTES) throw new TkeError("malformed", "a command block has at most 16384 bytes");
  const block = parseBlock(der);
  // One value has one DER form: whoever signs the bytes signs what is shown and nothing beside it.
  if (!equal(encodeBlock(block), der)) throw malformed("command block: not in its one DER form");
  const describer = new Describer(block);
  await describer.describe();
  return {
    block,
    command: nameOfCommand(block.command),
    about: describer.about,
    frame: frameOf(block),
    understood: describer.understood,
  };
}

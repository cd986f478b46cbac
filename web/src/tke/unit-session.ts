// A conversation with one crypto unit in which everything that is believed is verified, as src/tke/unit_session.h does it:
// the module's certificates up to the pinned root at the beginning, then the module's signature over each answer, which
// must be to the command that was sent, of this domain, and never older than an earlier one. So whoever relays the frames
// can neither change a command nor put another importer key in the place of the unit's.
import { compare, equal, slice, u32, type Bytes } from "./bytes";
import {
  COMMAND, EMPTY, encodeBlock, encodeDomainQuery, encodeRequest, parseAnswerBlock, parseDomainInfo, parseResponsePayload, PENDING_COMMITTED, reasonOf,
  type AdminAnswer, type AdminBlock,
} from "./admin";
import { parseCertificate, parseSignerInfos, SKI_BYTES, type Administrator } from "./administrator";
import { MAX_CHAIN, parseOaCertificate, verifyChain, type AttestationRoot } from "./attestation";
import { applyAttributes, CONTROL_POINT_BYTES, MAX_ADMINISTRATORS, NO_ATTRIBUTES } from "./attributes";
import { REASON, refused, refusedUnsigned, RETURN } from "./codes";
import { TkeError } from "./error";
import { formatRequest, parseResponse, serialOf, type UnitTarget } from "./frame";
import { PATTERN_BYTES } from "./key-part";
import { publicKeyOfSpki, skiOf, verifyDer, type PublicKey } from "./p521";
import type { Moment } from "./rules";

// Sends one HTPRequest text, returns the HTPResponse text.
export type Transport = (request: string) => Promise<string>;

const IMPORTER_P521 = u32(3);

const untrusted = (what: string) => new TkeError("untrusted", `an answer of the crypto unit is not trustworthy: ${what}; something between you and the unit changes or replays messages`);

// With no key (only for certificate 0) the signature is not checked.
async function sendBlock(transport: Transport, target: UnitTarget, block: AdminBlock, signerInfos: Bytes, key: PublicKey | null): Promise<AdminAnswer> {
  const payload = encodeRequest({ domainIndex: target.domainIndex, block: encodeBlock(block), signerInfos });
  const text = await transport(formatRequest({ moduleIndex: target.moduleIndex, domainIndex: target.domainIndex, payload }));
  return readAnswer(text, target, block, key);
}

// What an HTPResponse to `block` says, if the module with this key signed it.
export async function readAnswer(text: string, target: UnitTarget, block: AdminBlock, key: PublicKey | null): Promise<AdminAnswer> {
  const response = parseResponsePayload(parseResponse(text));
  if (response.block.length === 0 || response.returnCode !== 0) throw refusedUnsigned(response.returnCode);
  if (key && !(await isSignedBy(response.block, response.signerInfos, key))) throw untrusted("its signature does not verify");
  const answer = parseAnswerBlock(response.block);
  if (answer.command !== block.command || answer.domainIndex !== block.domainIndex) throw untrusted("it answers another command");
  if (serialOf(answer.moduleId) !== target.serialNumber) throw untrusted("serial number mismatch");
  return answer;
}

export async function isSignedBy(block: Bytes, signerInfos: Bytes, key: PublicKey): Promise<boolean> {
  try {
    const [first] = parseSignerInfos(signerInfos);
    return first !== undefined && equal(first.ski, await skiOf(key.point)) && (await verifyDer(key, block, first.signature));
  } catch {
    return false;
  }
}

const query = (command: number, domainIndex: number, input: Bytes): AdminBlock => ({ command, domainIndex, domainInstance: 0, moduleId: EMPTY, counter: EMPTY, input });
const certificateQuery = (index: number) => query(COMMAND.queryOaCertificate, 0, u32(index));

// The newest state that a domain of a module has answered with. One that outlives a session lets the next one refuse an older
// state, too.
export interface Newest {
  instance: number;
  counter: Bytes;
  // The frame under way, of whichever session.
  last: Promise<unknown>;
}
export const noneYet = (): Newest => ({ instance: 0, counter: EMPTY, last: Promise.resolve() });

export class UnitSession {
  private constructor(
    private readonly transport: Transport,
    readonly target: UnitTarget,
    readonly moduleKey: PublicKey,
    private readonly newest: Newest,
  ) {}

  static async open(transport: Transport, target: UnitTarget, root: AttestationRoot, newest = noneYet()): Promise<UnitSession> {
    // Certificate 0 is the only thing read unverified: nothing of it is believed before the chain is.
    const first = await sendBlock(transport, target, certificateQuery(0), EMPTY, null);
    if (first.returnCode !== 0) throw refusedUnsigned(first.returnCode, reasonOf(first));
    let leaf;
    try {
      leaf = await parseOaCertificate(first.output);
    } catch {
      throw untrusted("its certificate is malformed");
    }
    const chain = [first.output];
    while (chain.length <= MAX_CHAIN) {
      const next = await sendBlock(transport, target, certificateQuery(chain.length), EMPTY, leaf.key);
      if (next.returnCode === RETURN.notFound && reasonOf(next) === REASON.oaIndexOutOfRange) break;
      if (next.returnCode !== 0) throw refused(next.returnCode, reasonOf(next));
      chain.push(next.output);
    }
    const module = await verifyChain(chain, root);
    if (module.serialNumber && module.serialNumber !== target.serialNumber) throw untrusted("the certificate is that of another module");
    return new UnitSession(transport, target, module.key, newest);
  }

  // One frame at a time: of two under way at once the older answer may come last, and would look replayed.
  private exchange(block: AdminBlock, signerInfos: Bytes, transport = this.transport): Promise<AdminAnswer> {
    const turn = this.newest.last.then(() => this.exchangeNow(block, signerInfos, transport));
    this.newest.last = turn.catch(() => undefined);
    return turn;
  }

  private async exchangeNow(block: AdminBlock, signerInfos: Bytes, transport: Transport): Promise<AdminAnswer> {
    const answer = await sendBlock(transport, this.target, block, signerInfos, this.moduleKey);
    this.notOlder(answer);
    if (answer.returnCode !== 0) throw refused(answer.returnCode, reasonOf(answer));
    return answer;
  }

  private notOlder(answer: AdminAnswer): void {
    const { instance, counter } = this.newest;
    const isOlder = answer.domainInstance < instance || (answer.domainInstance === instance && compare(answer.counter, counter) < 0);
    if (isOlder) throw untrusted("it is older than an earlier answer");
    this.newest.instance = answer.domainInstance;
    this.newest.counter = answer.counter;
  }

  private query(command: number, input: Bytes = EMPTY): Promise<AdminAnswer> {
    return this.exchange(query(command, this.target.domainIndex, input), EMPTY);
  }

  async moment(): Promise<Moment> {
    const answer = await this.query(COMMAND.queryAttributes);
    return { domainInstance: answer.domainInstance, moduleId: answer.moduleId, counter: answer.counter, attributes: applyAttributes(NO_ATTRIBUTES, answer.output) };
  }

  async administrators(): Promise<Administrator[]> {
    const { output } = await this.query(COMMAND.queryAdministrators);
    if (output.length % SKI_BYTES !== 0 || output.length > MAX_ADMINISTRATORS * SKI_BYTES) throw untrusted("its list of administrators is malformed");
    const out: Administrator[] = [];
    for (let at = 0; at < output.length; at += SKI_BYTES) {
      const ski = slice(output, at, at + SKI_BYTES);
      const administrator = await parseCertificate((await this.query(COMMAND.queryAdministrators, ski)).output);
      if (!equal(administrator.ski, ski)) throw untrusted("it sent another administrator's certificate");
      out.push(administrator);
    }
    return out;
  }

  async controlPoints(): Promise<Bytes> {
    const { output } = await this.query(COMMAND.queryControlPoints);
    if (output.length !== CONTROL_POINT_BYTES) throw untrusted("its control points are malformed");
    return output;
  }

  // The verification pattern of a register, signed; null while it is empty.
  async pattern(register: "current" | "pending"): Promise<Bytes | null> {
    const answer = await orNull(RETURN.notInitialised, () => this.query(register === "current" ? COMMAND.queryCurrentPattern : COMMAND.queryPendingPattern));
    if (answer && answer.output.length !== PATTERN_BYTES) throw untrusted("its verification pattern is malformed");
    return answer?.output ?? null;
  }

  // The unit's importer key as it is now; null when it has none.
  async importer(): Promise<PublicKey | null> {
    const answer = await orNull(RETURN.notFound, () => this.query(COMMAND.queryImporter));
    return answer ? publicKeyOfSpki(answer.output) : null;
  }

  // Whether the new register is committed: not signed by the protocol. Told falsely, the next command is refused.
  async isPendingCommitted(): Promise<boolean> {
    const { moduleIndex, domainIndex } = this.target;
    const text = await this.transport(formatRequest({ moduleIndex, domainIndex, payload: encodeDomainQuery(domainIndex) }));
    const info = parseDomainInfo(parseResponse(text));
    if (info.domainIndex !== domainIndex) throw untrusted("it describes another domain");
    return (info.flags & PENDING_COMMITTED) !== 0;
  }

  // Sends a signed block, perhaps by another way than the session's; throws "refused" with the unit's codes.
  async run(block: AdminBlock, signerInfos: Bytes, transport?: Transport): Promise<Bytes> {
    const answer = await this.exchange(block, signerInfos, transport);
    this.isTo(answer, block);
    return answer.output;
  }

  private isTo(answer: AdminAnswer, block: AdminBlock): void {
    const isSame = equal(answer.counter, block.counter) && answer.domainInstance === block.domainInstance && equal(answer.moduleId, block.moduleId);
    if (!isSame) throw untrusted("it answers another command");
  }

  // The answer to a block that the service sent for us (a proposal). Others may have sent more since.
  async checkAnswer(text: string, block: AdminBlock): Promise<Bytes> {
    const answer = await readAnswer(text, this.target, block, this.moduleKey);
    if (answer.returnCode !== 0) throw refused(answer.returnCode, reasonOf(answer));
    this.isTo(answer, block);
    return answer.output;
  }
}

// Only what the unit signed says that it has nothing.
async function orNull<Value>(returnCode: number, work: () => Promise<Value>): Promise<Value | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TkeError && error.signed && error.returnCode === returnCode) return null;
    throw error;
  }
}

export { IMPORTER_P521 };

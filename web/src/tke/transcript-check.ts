// Whether a transcript is what crypto units and administrators signed, judged with nothing but the attestation root that the
// reader pinned: the same rules and the same words as src/tke/transcript_check.cc, whose header says what each is for. Chain,
// units' signatures, counters without a gap, signatures of as many administrators as the rules asked for then, and that it all
// leads to the state in which the units are.
import { nextCounter, COMMAND, MODULE_ID_BYTES, parseRequests, type AdminAnswer, type AdminBlock } from "./admin";
import { parseCertificate, parseSignerInfos, SKI_BYTES, verifySignature, type Administrator, type SignerInfo } from "./administrator";
import { verifyChain, type AttestationRoot } from "./attestation";
import { applyAttributes, NO_ATTRIBUTES, type Attributes } from "./attributes";
import { compare, concat, equal, fromBase64, sha256, toHex, type Bytes } from "./bytes";
import { serialOf, targetOf } from "./frame";
import { MAX_KEY_PARTS } from "./key-part";
import { skiOf, verifyDer, type PublicKey } from "./p521";
import { signaturesNeeded, type Moment } from "./rules";
import { hashOf, type Entry } from "./transcript";
import { readEntry, type ReadEntry } from "./transcript-entry";

// So many of the newest entries a service of ours keeps at least.
const KEPT = 10_000;
const COUNTER_BYTES = 16;
const SERIAL_BYTES = 8;
const MOST_STEPS = 1000;
const NO_HASH = "0".repeat(64);
const ZERO = new Uint8Array(COUNTER_BYTES);

export interface Finding {
  // 0: the transcript as a whole.
  sequence: number;
  what: string;
}

// A unit as a verified session shows it, read before the entries are.
export interface LiveUnit {
  id: string;
  serialNumber: string;
  domainIndex: number;
  moment: Moment;
  administrators: readonly Administrator[];
}

export interface TranscriptRange {
  // The oldest entry that the service keeps (0: none) and the newest.
  first: number;
  last: number;
  // Where the reader begins; 0: with `first`.
  start: number;
  // Whether it reads up to `last`.
  wholeEnd: boolean;
  // An entry and its hash that the reader kept elsewhere.
  known?: { sequence: number; hash: string };
}

export interface TranscriptReport {
  faults: Finding[];
  // What cannot be told, such as commands without an answer.
  notes: Finding[];
  entries: number;
  // The newest entry: what to keep elsewhere.
  last: number;
  lastHash: string;
}

// What the entries of a unit lead to.
interface Unit {
  serialNumber: string;
  domainIndex: number;
  domainInstance: number;
  // Of the last counted command; empty: none yet.
  counter: Bytes;
  // The highest in any signed answer.
  seen: Bytes;
  // Whether the state below is the unit's.
  exact: boolean;
  // Zeroized: the next answer names a higher domain instance.
  rebuilt: boolean;
  attributes: Attributes;
  installed: Map<string, Administrator>;
  // Commands without an answer, by entry, that may have been carried out after `counter`.
  unanswered: Map<number, AdminBlock>;
}

interface Module {
  key: PublicKey;
  serialNumber: string;
  certificates: string[];
}

const newUnit = (): Unit => ({
  serialNumber: "", domainIndex: 0, domainInstance: 0, counter: new Uint8Array(0), seen: new Uint8Array(0), exact: false, rebuilt: false, attributes: NO_ATTRIBUTES, installed: new Map(), unanswered: new Map(),
});

// Refusals that come before a unit has verified all signatures: it does not count them.
const UNCOUNTED = [3, 163, 192, 193, 208, 257, 0x80010002];
const isUncounted = ({ returnCode, reasonCode }: ReadEntry) => UNCOUNTED.includes(returnCode) || (returnCode === 32 && reasonCode >= 15 && reasonCode <= 17);

function stepsText(from: Bytes, to: Bytes): string {
  let at = from;
  for (let steps = 1; steps <= MOST_STEPS; steps += 1) {
    at = nextCounter(at);
    if (equal(at, to)) return String(steps);
  }
  return "more than 1000";
}

const unitText = (serial: string, domain: number) => `crypto unit ${serial}, domain ${domain}`;

export class TranscriptCheck {
  private readonly report: TranscriptReport = { faults: [], notes: [], entries: 0, last: 0, lastHash: NO_HASH };
  private sequence = 0;
  private previous: string | null = null;
  private readonly units = new Map<string, Unit>();
  private readonly owners = new Map<string, string>();
  private readonly modules = new Map<string, Module>();
  private readonly known = new Map<string, Administrator>();
  private readonly answers = new Set<string>();

  // `live`: those units that could be asked, perhaps none.
  constructor(
    private readonly instance: string,
    private readonly root: AttestationRoot,
    private readonly range: TranscriptRange,
    private readonly live: readonly LiveUnit[],
  ) {
    for (const unit of live) for (const one of unit.administrators) if (!this.known.has(toHex(one.ski))) this.known.set(toHex(one.ski), one);
    if (range.first > 1 && range.last - range.first + 1 < KEPT) this.fault(`the entries 1 to ${range.first - 1} are missing, although the service keeps the newest ${KEPT}`);
  }

  private fault(what: string): void {
    this.report.faults.push({ sequence: this.sequence, what });
  }
  private note(what: string): void {
    this.report.notes.push({ sequence: this.sequence, what });
  }
  private get fromStart(): boolean {
    return this.range.start <= 1 && this.range.first <= 1;
  }

  // Entries in order.
  async add(entry: Entry): Promise<void> {
    this.sequence = entry.sequence;
    await this.checkChain(entry);
    const read = readEntry(entry);
    if (!read.request) return this.fault("the request is no command for a crypto unit");
    const unit = this.units.get(entry.hsm_id) ?? newUnit();
    this.units.set(entry.hsm_id, unit);
    if (read.kind === "broken") this.fault("the response is no answer of a crypto unit");
    else if (read.kind === "unsigned") this.note("the answer is not signed: the unit did not take the frame for a command of its own, or somebody else answered");
    else if (read.kind === "none") {
      this.note("no answer came: whether the command was carried out shows in the unit's counter");
      unit.unanswered.set(entry.sequence, read.request.block);
    } else if ((await this.checkUnitSignature(entry, read)) && this.checkIdentity(entry, read.answer!, read.request.block, unit)) {
      await this.checkCommand(read, unit);
    }
  }

  // ---- the chain of hashes ----

  private async checkChain(entry: Entry): Promise<void> {
    const { range, report } = this;
    const expected = report.entries !== 0 ? report.last + 1 : range.start !== 0 ? range.start : range.first;
    if (entry.sequence !== expected) this.fault(`entry ${expected} is missing here: the chain goes on with ${entry.sequence}`);
    const computed = await hashOf(this.instance, entry);
    if (computed !== entry.hash) this.fault("the hash is not that of the entry's fields");
    const isFirst = entry.sequence === 1;
    if (isFirst && entry.previous !== NO_HASH) this.fault("the first entry names an entry before it");
    if (!isFirst && this.previous !== null && entry.previous !== this.previous) this.fault("it does not follow the entry before: that one was changed, removed, or another one");
    if (range.known?.sequence === entry.sequence && range.known.hash !== computed) this.fault("its hash is not the one that was kept: this entry, or one before it, was changed");
    this.previous = computed;
    report.entries += 1;
    report.last = entry.sequence;
    report.lastHash = computed;
  }

  // ---- the unit ----

  private async moduleOf(entry: Entry, signer: Bytes): Promise<Module | null> {
    const known = this.modules.get(toHex(signer));
    if (known && (entry.certificates.length === 0 || entry.certificates.join(" ") === known.certificates.join(" "))) return known;
    if (entry.certificates.length === 0) {
      this.fault("the entry has no certificates of the module that signed");
      return null;
    }
    try {
      const leaf = await verifyChain(entry.certificates.map(fromBase64), this.root);
      if (!equal(await skiOf(leaf.key.point), signer)) {
        this.fault("the answer is signed by another module than the certificates name");
        return null;
      }
      const module = { key: leaf.key, serialNumber: leaf.serialNumber, certificates: entry.certificates };
      this.modules.set(toHex(signer), module);
      return module;
    } catch (error) {
      this.fault(`the module's certificates do not lead to the attestation root: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  private signerOf(read: ReadEntry): SignerInfo | null {
    try {
      const [info, more] = parseSignerInfos(read.signerInfos);
      return info && !more ? info : null;
    } catch {
      return null;
    }
  }

  private async checkUnitSignature(entry: Entry, read: ReadEntry): Promise<boolean> {
    const refuse = (what: string) => {
      this.fault(what);
      return false;
    };
    const info = this.signerOf(read);
    if (!info) return refuse("the answer does not carry one signature");
    const module = await this.moduleOf(entry, info.ski);
    if (!module) return false;
    if (info.algorithm !== "ecdsa" || !(await verifyDer(module.key, read.answerDer, info.signature))) return refuse("the unit's signature does not verify");
    const answer = toHex(await sha256(concat(read.answerDer, info.signature)));
    if (this.answers.has(answer)) return refuse("the unit's answer is that of an earlier entry");
    this.answers.add(answer);
    if (String.fromCharCode(...read.answer!.moduleId).startsWith(module.serialNumber)) return true;
    return refuse(`the answer is signed by another module (${module.serialNumber}) than it names`);
  }

  // The answer is one to this command, by the unit that the entry names.
  private checkIdentity(entry: Entry, answer: AdminAnswer, block: AdminBlock, unit: Unit): boolean {
    const refuse = (what: string) => {
      this.fault(what);
      return false;
    };
    if (answer.command !== block.command || answer.domainIndex !== block.domainIndex) return refuse("the unit's answer is one to another command");
    if (answer.moduleId.length !== MODULE_ID_BYTES || answer.counter.length !== COUNTER_BYTES) return refuse("the unit's answer names no module or counter");
    const serial = serialOf(answer.moduleId);
    if (unit.serialNumber === "") {
      unit.serialNumber = serial;
      unit.domainIndex = answer.domainIndex;
    }
    const live = this.live.find(({ id }) => id === entry.hsm_id);
    const sameLive = !live || (live.serialNumber === serial && live.domainIndex === answer.domainIndex);
    if (unit.serialNumber !== serial || unit.domainIndex !== answer.domainIndex || !sameLive || !isPlace(entry.location, serial, answer.domainIndex)) {
      return refuse(`the answer is signed for another crypto unit (${unitText(serial, answer.domainIndex)})`);
    }
    const place = `${serial} ${answer.domainIndex} ${answer.domainInstance}`;
    const owner = this.owners.get(place) ?? entry.hsm_id;
    this.owners.set(place, owner);
    return owner === entry.hsm_id || refuse(`the answer belongs to crypto unit ${owner}`);
  }

  // ---- the command ----

  private async checkCommand(read: ReadEntry, unit: Unit): Promise<void> {
    const { block } = read.request!;
    const answer = read.answer!;
    const accepted = read.returnCode === 0;
    if (accepted) {
      // In imprint mode both may be left out.
      const unnamed = block.moduleId.length === 0 && block.counter.length === 0;
      const isSame = equal(block.counter, answer.counter) && equal(block.moduleId, answer.moduleId) && block.domainInstance === answer.domainInstance;
      if (!unnamed && !isSame) return this.fault("the unit accepted a command with another counter, module or domain instance");
    }
    if (!(await this.place(read, unit))) return;
    await this.checkSigners(read, unit);
    if (accepted) await this.apply(block, unit);
  }

  // The first command of a unit that these entries show.
  private begin(unit: Unit, counter: Bytes): void {
    if (!this.fromStart) return;
    if (equal(counter, nextCounter(ZERO))) unit.exact = true;
    else this.fault(`${unitText(unit.serialNumber, unit.domainIndex)} begins with counter ${toHex(counter)}: the commands before are missing`);
  }

  // Whether the unit counted the command. The counter has no gap and goes up.
  private async place(read: ReadEntry, unit: Unit): Promise<boolean> {
    const answer = read.answer!;
    const { block, signers } = read.request!;
    if (unit.seen.length === 0 || compare(answer.counter, unit.seen) > 0) unit.seen = answer.counter;
    const first = unit.counter.length === 0;
    const base = first ? ZERO : unit.counter;
    if (read.returnCode !== 0) {
      // A refusal counts if it was signed as demanded.
      const madeForIt = block.counter.length === 0 || equal(block.counter, answer.counter);
      if (isUncounted(read) || signers.length === 0 || !madeForIt || compare(answer.counter, base) <= 0) return false;
    }
    const isNext = equal(answer.counter, nextCounter(base));
    if (first) {
      if (isNext || !(await this.explainGap(unit, answer.counter))) this.begin(unit, answer.counter);
    } else if (compare(answer.counter, base) <= 0) {
      this.fault("the unit's counter goes back: the entry was moved, or is not of this time");
      return false;
    } else if (!isNext && !(await this.explainGap(unit, answer.counter))) {
      this.fault(`the unit's counter has a gap; commands that are missing before this one: ${stepsText(nextCounter(base), answer.counter)}`);
      unit.exact = false;
    }
    const wentBack = answer.domainInstance < unit.domainInstance;
    const isNew = !first && answer.domainInstance !== unit.domainInstance;
    if (wentBack || (isNew && unit.exact && !unit.rebuilt)) this.fault("the unit's domain instance changed without a zeroize command");
    unit.rebuilt = false;
    unit.domainInstance = answer.domainInstance;
    unit.counter = answer.counter;
    unit.unanswered.clear();
    return true;
  }

  // Whether commands without an answer fill what is missing before `counter`: then each of them was carried out or refused, and
  // the state is not known for sure.
  private async explainGap(unit: Unit, counter: Bytes): Promise<boolean> {
    const filling: [number, AdminBlock][] = [];
    let at = nextCounter(unit.counter.length === 0 ? ZERO : unit.counter);
    for (const [sequence, block] of unit.unanswered) {
      if (equal(at, counter)) break;
      if (block.counter.length > 0 && !equal(block.counter, at)) continue;
      filling.push([sequence, block]);
      at = nextCounter(at);
    }
    if (!equal(at, counter) || filling.length === 0) return false;
    for (const [sequence, block] of filling) {
      this.note(`the unit carried out or refused the command of entry ${sequence}, whose answer is missing`);
      await this.apply(block, unit);
    }
    unit.exact = false;
    return true;
  }

  // ---- the administrators ----

  // How many administrators signed `block`; every signature must verify.
  private async countSigners(block: Bytes, infos: readonly SignerInfo[], unit: Unit): Promise<number> {
    const signers = new Set<string>();
    for (const info of infos) {
      const ski = toHex(info.ski);
      const administrator = unit.installed.get(ski) ?? (unit.exact ? undefined : this.known.get(ski));
      if (!administrator && unit.exact) this.fault(`it is signed by ${ski}, who was no administrator of the unit then`);
      else if (!administrator) {
        this.note(`the certificate of signer ${ski} is not in these entries`);
        signers.add(ski);
      } else if (!(await verifySignature(administrator, block, info))) this.fault(`the signature of administrator ${ski} does not verify`);
      else signers.add(ski);
    }
    return signers.size;
  }

  private async checkSigners(read: ReadEntry, unit: Unit): Promise<void> {
    const { block, der, signers } = read.request!;
    if (block.command === COMMAND.importKeyParts) return this.checkKeyParts(block, unit);
    const given = await this.countSigners(der, signers, unit);
    if (!unit.exact) return;
    const needed = signaturesNeeded(block, unit.attributes);
    if (given < needed) this.fault(`it has ${given} of the ${needed} signatures that the unit asked for`);
  }

  private async checkKeyParts(block: AdminBlock, unit: Unit): Promise<void> {
    let parts;
    try {
      parts = parseRequests(block.input, MAX_KEY_PARTS);
    } catch {
      return this.fault("its key parts are malformed");
    }
    for (const part of parts) {
      const infos = tried(() => parseSignerInfos(part.signerInfos));
      if (!infos || infos.length === 0) this.fault("a key part in it is signed by nobody");
      else await this.countSigners(part.block, infos, unit);
    }
  }

  // What an accepted command made of the unit.
  private async apply({ command, input }: AdminBlock, unit: Unit): Promise<void> {
    const install = async (der: Bytes) => {
      const certificate = await parseCertificate(der).catch(() => null);
      if (!certificate) return this.fault("the administrator's certificate in it cannot be read");
      this.known.set(toHex(certificate.ski), certificate);
      unit.installed.set(toHex(certificate.ski), certificate);
    };
    if (command === COMMAND.addAdministrator) await install(input);
    else if (command === COMMAND.removeAdministrator) unit.installed.delete(toHex(input));
    else if (command === COMMAND.replaceAdministrator && input.length > SKI_BYTES) {
      unit.installed.delete(toHex(input.slice(0, SKI_BYTES)));
      await install(input.slice(SKI_BYTES));
    } else if (command === COMMAND.setAttributes) unit.attributes = tried(() => applyAttributes(unit.attributes, input)) ?? unit.attributes;
    else if (command === COMMAND.zeroize) {
      unit.attributes = NO_ATTRIBUTES;
      unit.installed.clear();
      // Whatever was before.
      unit.exact = true;
      unit.rebuilt = true;
    }
  }

  // ---- the end ----

  private async compareWith(live: LiveUnit, unit: Unit | undefined): Promise<void> {
    const name = unitText(live.serialNumber, live.domainIndex);
    const now = live.moment.counter;
    const last = unit && unit.counter.length > 0 ? unit.counter : ZERO;
    if (equal(last, ZERO) && !this.fromStart) return;
    if (compare(now, last) > 0) {
      const trial = unit ? { ...unit, installed: new Map(unit.installed) } : newUnit();
      if (await this.explainGap(trial, nextCounter(now))) return;
      return this.fault(`${name}: the transcript lacks its end; commands of the unit that are not in it: ${stepsText(last, now)}`);
    }
    // Later commands came meanwhile.
    if (compare(now, last) < 0 || !unit?.exact) return;
    const here = [...unit.installed.keys()].sort().join(" ");
    const there = live.administrators.map(({ ski }) => toHex(ski)).sort().join(" ");
    if (here !== there) this.fault(`${name}: its administrators are not those that the entries lead to`);
    const [rules, led] = [live.moment.attributes, unit.attributes];
    const isSame = rules.signatureThreshold === led.signatureThreshold && rules.revocationThreshold === led.revocationThreshold && rules.permissions === led.permissions;
    if (!isSame) this.fault(`${name}: its thresholds or permissions are not those that the entries lead to`);
  }

  async finish(): Promise<TranscriptReport> {
    this.sequence = 0;
    const { range, report } = this;
    if (range.wholeEnd && report.last < range.last) this.fault(`the entries after ${report.last} are missing: the service says that ${range.last} is the last`);
    if (range.known && range.known.sequence > range.last) this.fault(`entry ${range.known.sequence}, whose hash was kept, is missing: the end was cut off`);
    if (!range.wholeEnd) return report;
    for (const [, unit] of [...this.units].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const last = unit.counter.length === 0 ? ZERO : unit.counter;
      const isMissing = (this.fromStart || unit.counter.length > 0) && unit.seen.length > 0 && compare(unit.seen, last) > 0 && unit.unanswered.size === 0;
      if (isMissing) this.fault(`${unitText(unit.serialNumber, unit.domainIndex)}: a refusal names a counter that no command of the entries led to; some are missing`);
    }
    for (const live of this.live) await this.compareWith(live, this.units.get(live.id));
    return report;
  }
}

function isPlace(location: string, serial: string, domain: number): boolean {
  if (location === "") return true;
  return tried(() => targetOf(location, serial.slice(0, SERIAL_BYTES)))?.domainIndex === domain;
}

function tried<Value>(work: () => Value): Value | null {
  try {
    return work();
  } catch {
    return null;
  }
}

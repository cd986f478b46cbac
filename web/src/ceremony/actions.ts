// What a ceremony does with the units, step by step. Each function makes its blocks from the units' state of this moment,
// shows them (`ask`), signs, and sends or proposes them. Nothing is signed that `ask` did not show.
import { addSignature, deleteProposal, propose, sendProposal } from "../api/proposals";
import { hasAdministrator, type UnitFacts } from "../crypto-units/facts";
import { sha512, toHex, type Bytes } from "../tke/bytes";
import { COMMAND, EMPTY, encodeBlock, type AdminBlock } from "../tke/admin";
import { makeCertificate, signBlock, signerInfo, type Signer } from "../tke/administrator";
import { encodeAttributes, isImprint, permissionsFor } from "../tke/attributes";
import { describeBlock, type BlockText } from "../tke/block-text";
import { RETURN } from "../tke/codes";
import { TkeError } from "../tke/error";
import type { ConsentReview } from "../tke/transfer-documents";
import { isSameMoment, makeBlock, signaturesNeeded, type Moment } from "../tke/rules";
import { IMPORTER_P521 } from "../tke/unit-session";
import { canSend, type Review } from "./review";
import { inTurn, type Tell } from "./series";

export interface ShownBlock {
  unit: string;
  der: Bytes;
  text: BlockText;
  sha512: string;
}

export interface Question {
  blocks: ShownBlock[];
  // Names of those whose keys sign; none: the command is not signed (imprint mode).
  signers: Signer[];
  // "propose": the block then waits for others' signatures.
  then: "send" | "propose" | "sign" | "seal";
  // What a consent lets in.
  consent?: ConsentReview;
}

// Resolves to false when the person says no.
export type Ask = (question: Question) => Promise<boolean>;

export interface Made {
  facts: UnitFacts;
  block: AdminBlock;
  der: Bytes;
}

// The unit's present moment, which must still be that of the facts: what is made rests on the administrators, thresholds and
// patterns in them.
export async function momentOf(facts: UnitFacts): Promise<Moment> {
  const moment = await facts.session.moment();
  if (isSameMoment(moment, facts.moment)) return moment;
  throw new TkeError("stale", `crypto unit ${facts.unit.location} has changed since this page read it: look at it again, then repeat`);
}

const madeFor = (facts: UnitFacts, moment: Moment, command: number, input: Bytes, ahead = 0): Made => {
  const block = makeBlock(moment, facts.session.target.domainIndex, command, input, ahead);
  return { facts, block, der: encodeBlock(block) };
};

// `ahead`: how many other commands of the unit come before it.
export const make = async (facts: UnitFacts, command: number, input: Bytes, ahead = 0): Promise<Made> => madeFor(facts, await momentOf(facts), command, input, ahead);

// For imprint mode, where several people install themselves at the same time and nothing rests on what was read.
const makeAnyhow = async (facts: UnitFacts, command: number, input: Bytes): Promise<Made> => madeFor(facts, await facts.session.moment(), command, input);

const shown = async ({ facts, der }: Made): Promise<ShownBlock> => ({ unit: facts.unit.location, der, text: await describeBlock(der), sha512: toHex(await sha512(der)) });

export async function confirm(ask: Ask, made: Made[], signers: Signer[], then: Question["then"]): Promise<boolean> {
  return ask({ blocks: await Promise.all(made.map(shown)), signers, then });
}

export const installed = (facts: UnitFacts, signers: readonly Signer[]): Signer[] => signers.filter((signer) => hasAdministrator(facts, signer.ski));

// One of the loaded keys that is an administrator of every one of these units.
export function signerFor(all: readonly UnitFacts[], signers: readonly Signer[]): Signer {
  const found = signers.find((signer) => all.every((facts) => hasAdministrator(facts, signer.ski)));
  if (!found) throw new TkeError("stranger", "none of the loaded signature keys is an administrator of these crypto units");
  return found;
}

// ---- commands of one signature ----

export async function runAll(ask: Ask, all: readonly UnitFacts[], command: number, inputOf: (facts: UnitFacts) => Bytes, signers: readonly Signer[], tell: Tell): Promise<boolean> {
  const signer = signerFor(all, signers);
  const made = await Promise.all(all.map((facts) => make(facts, command, inputOf(facts))));
  if (!(await confirm(ask, made, [signer], "send"))) return false;
  await inTurn(made, tell, async ({ facts, block, der }) => facts.session.run(block, await signBlock(der, [signer])));
  return true;
}

export const makeImporters = (ask: Ask, all: readonly UnitFacts[], signers: readonly Signer[], tell: Tell) => runAll(ask, all, COMMAND.generateImporter, () => IMPORTER_P521, signers, tell);
export const clearNew = (ask: Ask, all: readonly UnitFacts[], signers: readonly Signer[], tell: Tell) => runAll(ask, all, COMMAND.clearPending, () => EMPTY, signers, tell);
export const activate = (ask: Ask, all: readonly UnitFacts[], signers: readonly Signer[], tell: Tell) =>
  runAll(ask, all, COMMAND.finalizePending, (facts) => facts.pending ?? EMPTY, signers, tell);

// ---- administrators and thresholds ----

const TRIES = 4;

// In imprint mode nobody signs, so somebody else's command in between is no harm: the block is made again.
async function runUnsigned(facts: UnitFacts, command: number, input: Bytes): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    try {
      const { block } = await makeAnyhow(facts, command, input);
      await facts.session.run(block, EMPTY);
      return;
    } catch (error) {
      const overtaken = error instanceof TkeError && error.code === "refused" && error.returnCode === RETURN.invalidCounter;
      if (!overtaken || turn === TRIES) throw error;
    }
  }
}

// The same command to units in imprint mode.
async function runInImprint(ask: Ask, units: readonly UnitFacts[], command: number, input: Bytes, tell: Tell): Promise<boolean> {
  if (units.length === 0) return true;
  const made = await Promise.all(units.map((facts) => makeAnyhow(facts, command, input)));
  if (!(await confirm(ask, made, [], "send"))) return false;
  await inTurn(made, tell, ({ facts }) => runUnsigned(facts, command, input));
  return true;
}

// Installs the signer in the units that do not have it: at once in imprint mode, else as proposals.
export async function enrol(ask: Ask, instance: string, all: readonly UnitFacts[], signer: Signer, signers: readonly Signer[], tell: Tell): Promise<boolean> {
  const lacking = all.filter((facts) => !hasAdministrator(facts, signer.ski));
  const certificate = await makeCertificate(signer.name, signer);
  const imprint = lacking.filter((facts) => isImprint(facts.attributes));
  if (!(await runInImprint(ask, imprint, COMMAND.addAdministrator, certificate, tell))) return false;
  const others = lacking.filter((facts) => !isImprint(facts.attributes));
  return others.length === 0 || proposeAll(ask, instance, others, COMMAND.addAdministrator, () => certificate, signers, "", tell);
}

// Takes an administrator out of the units that have them: at once in imprint mode, else by proposals.
export async function remove(ask: Ask, instance: string, all: readonly UnitFacts[], ski: Bytes, signers: readonly Signer[], tell: Tell): Promise<boolean> {
  const having = all.filter((facts) => hasAdministrator(facts, ski));
  const imprint = having.filter((facts) => isImprint(facts.attributes));
  if (!(await runInImprint(ask, imprint, COMMAND.removeAdministrator, ski, tell))) return false;
  const others = having.filter((facts) => !isImprint(facts.attributes));
  return others.length === 0 || proposeAll(ask, instance, others, COMMAND.removeAdministrator, () => ski, signers, "", tell);
}

// `prepared`: with the permissions that let the units take a master key from a recovery unit, and recovery units give it.
export function setThresholds(ask: Ask, instance: string, all: readonly UnitFacts[], thresholds: { signature: number; revocation: number; prepared: boolean }, signers: readonly Signer[], note: string, tell: Tell): Promise<boolean> {
  const { signature, revocation, prepared } = thresholds;
  const inputOf = ({ attributes, unit }: UnitFacts) => {
    const permissions = prepared ? permissionsFor(unit.type, attributes.permissions) : attributes.permissions;
    return encodeAttributes({ ...attributes, signatureThreshold: signature, revocationThreshold: revocation, permissions });
  };
  return proposeAll(ask, instance, all, COMMAND.setAttributes, inputOf, signers, note, tell);
}

export const commit = (ask: Ask, instance: string, all: readonly UnitFacts[], signers: readonly Signer[], note: string, tell: Tell) =>
  proposeAll(ask, instance, all, COMMAND.commitPending, (facts) => facts.pending ?? EMPTY, signers, note, tell);

// ---- commands of several signatures: proposals ----

export async function proposeAll(
  ask: Ask, instance: string, all: readonly UnitFacts[], command: number, inputOf: (facts: UnitFacts) => Bytes, signers: readonly Signer[], note: string, tell: Tell,
): Promise<boolean> {
  const able = signers.filter((signer) => all.every((facts) => hasAdministrator(facts, signer.ski)));
  // A new administrator may ask to be installed; all others propose what they sign.
  if (able.length === 0 && command !== COMMAND.addAdministrator) signerFor(all, signers);
  const made = await Promise.all(all.map((facts) => make(facts, command, inputOf(facts))));
  return proposeMade(ask, instance, made, able, note, tell);
}

export async function proposeMade(ask: Ask, instance: string, made: Made[], able: readonly Signer[], note: string, tell: Tell): Promise<boolean> {
  const signing = able.slice(0, Math.max(1, ...made.map(({ block, facts }) => signaturesNeeded(block, facts.attributes))));
  if (!(await confirm(ask, made, signing, "propose"))) return false;
  await inTurn(made, tell, async ({ facts, der }) => {
    const { id } = await propose(instance, facts.unit.hsm_id, der, note);
    for (const signer of signing) await addSignature(instance, id, await signerInfo(signer, der));
  });
  return true;
}

// Loaded keys that could still sign this.
export const missingSigners = (one: Review, signers: readonly Signer[]): Signer[] =>
  one.facts ? installed(one.facts, signers).filter((signer) => !one.signatures.some(({ ski, verified }) => verified && ski === toHex(signer.ski))) : [];

export async function signProposals(ask: Ask, instance: string, group: readonly Review[], signers: readonly Signer[], tell: Tell): Promise<boolean> {
  const wrong = group.flatMap(({ contradictions }) => contradictions);
  if (wrong.length > 0) throw new TkeError("contradiction", `the service describes the proposal falsely: ${wrong.join("; ")}`);
  const blocks = group.map(({ facts, der, text, sha512: digest }) => ({ unit: facts?.unit.location ?? "", der, text, sha512: digest }));
  const signing = signers.filter((signer) => group.some((one) => missingSigners(one, [signer]).length > 0));
  if (signing.length === 0) throw new TkeError("stranger", "none of the loaded signature keys is an administrator of these crypto units who has not signed yet");
  if (!(await ask({ blocks, signers: signing, then: "sign" }))) return false;
  await inTurn(group, tell, async (one) => {
    for (const signer of missingSigners(one, signing)) await addSignature(instance, one.proposal.id, await signerInfo(signer, one.der));
  });
  return true;
}

// Sends what has its signatures; the unit's signed answer is verified here, and given to `answered`.
export async function sendProposals(instance: string, group: readonly Review[], tell: Tell, acceptKeyLoss = false, answered?: (one: Review, output: Bytes) => Promise<unknown>): Promise<void> {
  await inTurn(group.filter(canSend), tell, async (one) => {
    const sent = await sendProposal(instance, one.proposal.id, acceptKeyLoss);
    if (!sent.response) throw new TkeError("untrusted", "the answer of the crypto unit was lost; it may have carried out the command");
    const output = await one.facts!.session.checkAnswer(sent.response, one.text.block);
    await answered?.(one, output);
  });
}

export async function deleteProposals(instance: string, group: readonly Review[]): Promise<void> {
  await inTurn(group, () => undefined, ({ proposal }) => deleteProposal(instance, proposal.id));
}

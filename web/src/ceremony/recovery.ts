// A master key that is made in a recovery unit and copied to the other units, sealed from unit to unit: what `keyhaven tke
// auto-init`, `auto-mk-rotate` and `auto-mk-recover` do (src/cli/key_copy.cc, rotation_plan.cc). It is never outside units.
//
// The export takes the signature threshold. With enough keys open here it is signed and sent at once; else it is proposed, and
// who sends the proposal hands the answer, which only the target can open, to the target.
import type { Rotation } from "../api/rotation";
import { hasAdministrator, type UnitFacts } from "../crypto-units/facts";
import { samePattern } from "../tke/key-part";
import { COMMAND, EMPTY, encodeBlock } from "../tke/admin";
import { signBlock, type Signer } from "../tke/administrator";
import { encodeAttributes, isImprint, permissionsFor } from "../tke/attributes";
import { equal, sha512, toHex, type Bytes } from "../tke/bytes";
import { TkeError } from "../tke/error";
import { copyBlock, describePart, partBlock, signPart } from "../tke/import";
import { exportedKey, exportTarget, makeExportRequest } from "../tke/key-export";
import { IMPORTER_P521 } from "../tke/unit-session";
import { confirm, installed, make, proposeAll, proposeMade, runAll, signerFor, type Ask, type Made } from "./actions";
import type { Outcome } from "./commands";
import type { Review } from "./review";
import { inTurn, type Tell } from "./series";

const isRecovery = ({ unit }: UnitFacts) => unit.type === "recovery";
const key = (facts: UnitFacts): Bytes | null => facts.pending ?? facts.current;

// Recovery units with a key that can be copied: the new one, during a rotation, else the current one.
export const sourcesOf = (all: readonly UnitFacts[]): UnitFacts[] => all.filter((facts) => isRecovery(facts) && key(facts) !== null && !isImprint(facts.attributes));

// Recovery units in which a random key may be made: none when the others have a key that this one lacks, for it would open
// nothing that is stored.
export function makersOf(all: readonly UnitFacts[]): UnitFacts[] {
  if (all.some((facts) => facts.pending)) return [];
  const current = all.find((facts) => facts.current)?.current ?? null;
  return all.filter((facts) => isRecovery(facts) && !isImprint(facts.attributes) && (current === null || (facts.current !== null && samePattern(facts.current, current))));
}

// Why no random key may be made now. "lost": keys are stored under a master key that no unit holds, and a random one would open
// none of them. What is not known allows nothing.
export function randomHindrance(rotation: Rotation | undefined, all: readonly UnitFacts[]): "unknown" | "rotating" | "lost" | null {
  if (!rotation) return "unknown";
  if (rotation.phase !== "none") return "rotating";
  return rotation.stored.length > 0 && all.every((facts) => !facts.current) ? "lost" : null;
}

// Units to which the source's key may be copied: those without it. One with another current key is asked for by name.
export function targetsOf(all: readonly UnitFacts[], source: UnitFacts): UnitFacts[] {
  const wanted = key(source);
  const holds = (pattern: Bytes | null) => pattern !== null && wanted !== null && samePattern(pattern, wanted);
  return all.filter((facts) => facts !== source && !isImprint(facts.attributes) && !facts.pending && !holds(facts.current));
}
export const isReplaced = (target: UnitFacts, source: UnitFacts): boolean => source.pending === null && target.current !== null;

// Units that lack the permissions of their type.
export const unprepared = (all: readonly UnitFacts[]): UnitFacts[] => all.filter(({ attributes, unit }) => !isImprint(attributes) && permissionsFor(unit.type, attributes.permissions) !== attributes.permissions);

export const prepare = (ask: Ask, instance: string, all: readonly UnitFacts[], signers: readonly Signer[], tell: Tell): Promise<boolean> =>
  proposeAll(ask, instance, unprepared(all), COMMAND.setAttributes, ({ attributes, unit }) => encodeAttributes({ ...attributes, permissions: permissionsFor(unit.type, attributes.permissions) }), signers, "", tell);

export const makeRandomKey = (ask: Ask, maker: UnitFacts, signers: readonly Signer[], tell: Tell): Promise<boolean> => runAll(ask, [maker], COMMAND.createRandomKey, () => EMPTY, signers, tell);

// ---- copying ----

const exporting = (source: UnitFacts) => (source.pending ? COMMAND.exportPendingKey : COMMAND.exportCurrentKey);

export async function copyKey(ask: Ask, instance: string, source: UnitFacts, targets: readonly UnitFacts[], signers: readonly Signer[], tell: Tell): Promise<Outcome> {
  const signer = signerFor([source, ...targets], signers);
  if (!(await runAll(ask, targets, COMMAND.generateImporter, () => IMPORTER_P521, [signer], tell))) return null;
  const requests: Made[] = [];
  for (const [index, target] of targets.entries()) {
    const importer = await target.session.importer();
    if (!importer) throw new TkeError("parts", `crypto unit ${target.unit.location} has no importer key: copy the master key again`);
    requests.push(await make(source, exporting(source), makeExportRequest(importer.point), index));
  }
  const able = installed(source, signers);
  const needed = source.attributes.signatureThreshold;
  if (able.length < needed) return (await proposeMade(ask, instance, requests, able, "", tell)) ? "proposed" : null;
  const signing = able.slice(0, needed);
  if (!(await confirm(ask, requests, signing, "send"))) return null;
  await inTurn(targets.map((facts) => ({ facts })), tell, async ({ facts }, index) => {
    const { block, der } = requests[index]!;
    await takeCopy(ask, facts, await source.session.run(block, await signBlock(der, signing)), key(source), signer);
  });
  return "sent";
}

// The target takes what the source has sealed to it, if one of its administrators agrees.
async function takeCopy(ask: Ask, target: UnitFacts, output: Bytes, pattern: Bytes | null, signer: Signer): Promise<void> {
  const importer = await target.session.importer();
  if (!importer || !pattern) throw new TkeError("stale", `crypto unit ${target.unit.location} has another importer key now: copy the master key again`);
  const moment = await target.session.moment();
  const { domainIndex } = target.session.target;
  const block = partBlock(moment, domainIndex, exportedKey(output));
  const der = encodeBlock(block);
  const text = await describePart(der, importer, pattern);
  if (!(await ask({ blocks: [{ unit: target.unit.location, der, text, sha512: toHex(await sha512(der)) }], signers: [signer], then: "send" }))) throw new TkeError("parts", "the copy of the master key was not loaded: copy it again");
  await target.session.run(await copyBlock(moment, domainIndex, await signPart(block, signer)), EMPTY);
  const loaded = await target.session.pattern("pending");
  if (!loaded || !samePattern(loaded, pattern)) throw new TkeError("parts", `crypto unit ${target.unit.location} does not hold the copied master key after all; clear its new register`);
}

export const isExport = ({ text }: Review): boolean => text.block.command === COMMAND.exportCurrentKey || text.block.command === COMMAND.exportPendingKey;

// The unit that an export is for, and an open key of one of its administrators. Found before the export is sent.
async function targetOf(one: Review, all: readonly UnitFacts[], signers: readonly Signer[]): Promise<{ target: UnitFacts; signer: Signer }> {
  const { point } = await exportTarget(one.text.block.input);
  for (const target of all) {
    const importer = await target.session.importer();
    if (!importer || !equal(importer.point, point)) continue;
    const signer = signers.find(({ ski }) => hasAdministrator(target, ski));
    if (!signer) throw new TkeError("stranger", `the copy is loaded into crypto unit ${target.unit.location} by one of its administrators: open a signature key of one`);
    return { target, signer };
  }
  throw new TkeError("stale", "the export is sealed to an importer key that no crypto unit of the instance has now: delete the proposal and copy the master key again");
}

// For sendProposals: what is done with the answers to exports.
export async function receiverOf(ask: Ask, group: readonly Review[], all: readonly UnitFacts[], signers: readonly Signer[]): Promise<((one: Review, output: Bytes) => Promise<void>) | undefined> {
  const [first] = group;
  if (!first || !isExport(first)) return undefined;
  const { target, signer } = await targetOf(first, all, signers);
  const source = first.facts;
  const register = first.text.block.command === COMMAND.exportPendingKey ? "pending" : "current";
  return async (_, output) => takeCopy(ask, target, output, source?.[register] ?? null, signer);
}

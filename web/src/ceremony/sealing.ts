// Key parts: sealed to the units' importer keys, handed over, checked, loaded. A part that is sealed to a unit is in the hands of
// that unit's administrators, so it matters who they are.
import { strangersIn, type UnitFacts } from "../crypto-units/facts";
import { equal, sha512, slice, toHex, type Bytes } from "../tke/bytes";
import { EMPTY, encodeBlock, parseRequestPayload, type AdminBlock } from "../tke/admin";
import { parseSignerInfos, verifySignature, type Signer } from "../tke/administrator";
import { PERMISSION } from "../tke/attributes";
import { shownText, type BlockLine } from "../tke/block-text";
import { TkeError } from "../tke/error";
import { describePart, importBlock, partBlock, signPart, type SealedPart } from "../tke/import";
import { sealKeyPart, verificationPattern } from "../tke/key-part";
import type { KeyPart } from "../tke/key-file";
import type { PublicKey } from "../tke/p521";
import { momentOf, signerFor, type Ask, type ShownBlock } from "./actions";
import { inTurn, type Tell } from "./series";

const SHOWN_SKI = 16;

// Throws when a unit of the instance is administered otherwise than the others.
export function mustBeAlike(all: readonly UnitFacts[]): void {
  const [one] = strangersIn(all);
  if (!one) return;
  const { facts, aspect } = one;
  throw new TkeError(
    "parts",
    `crypto unit ${facts.unit.location} (${facts.unit.type}) has other ${aspect} than most units of the instance, so no key part is sealed: find out who set it up. Give all units the same administrators and thresholds, or remove the unit`,
  );
}

// Who gets a key part that is sealed to this unit.
function describeTaker({ unit, administrators, attributes }: UnitFacts): BlockLine[] {
  const mayExport = (attributes.permissions & PERMISSION.export) !== 0;
  return [
    { name: "type of the unit", value: unit.type },
    { name: "administrators of the unit", value: administrators.map((one) => `${shownText(one.name)} (${toHex(one.ski).slice(0, SHOWN_SKI)}…)`).join(", ") || "none" },
    { name: "thresholds of the unit", value: `${attributes.signatureThreshold} for commands, ${attributes.revocationThreshold} for removing an administrator` },
    { name: "the unit may export its master key", value: mayExport ? "yes, when as many administrators sign as the threshold says" : "no" },
  ];
}

async function importerOf({ session, unit }: UnitFacts): Promise<PublicKey> {
  const importer = await session.importer();
  if (importer) return importer;
  throw new TkeError("parts", `crypto unit ${unit.location} has no importer key: make importer keys first`);
}

// Who signed a sealed part.
export function signerOfPart({ units }: SealedPart): string {
  const [first] = units;
  const [info] = first ? parseSignerInfos(parseRequestPayload(first.request).signerInfos) : [];
  if (!info) throw new TkeError("stranger", "the sealed key part is not signed");
  return toHex(info.ski);
}

// A master key needs parts of different administrators.
export function mustBeOfAnother(ski: string, name: string, others: readonly SealedPart[]): void {
  if (others.some((other) => signerOfPart(other) === ski)) throw new TkeError("parts", `${name} has signed another key part already: no administrator may sign two`);
}

export interface Sealing {
  instance: string;
  // The units that take the part, and all of the instance.
  takers: readonly UnitFacts[];
  all: readonly UnitFacts[];
  part: KeyPart;
  signer: Signer;
  // What is sealed already.
  others: readonly SealedPart[];
}

interface Sealed {
  facts: UnitFacts;
  block: AdminBlock;
  shown: ShownBlock;
}

async function sealTo(facts: UnitFacts, value: Bytes, pattern: Bytes): Promise<Sealed> {
  const importer = await importerOf(facts);
  const block = partBlock(await momentOf(facts), facts.session.target.domainIndex, await sealKeyPart(value, importer));
  const der = encodeBlock(block);
  const text = await describePart(der, importer, pattern);
  return { facts, block, shown: { unit: facts.unit.location, der, text: { ...text, about: [...text.about, ...describeTaker(facts)] }, sha512: toHex(await sha512(der)) } };
}

// Seals a part to the importer key of every unit, which comes from the unit's own signed answer, and signs each. The part
// itself is wiped.
export async function sealPart(ask: Ask, { instance, takers, all, part, signer, others }: Sealing): Promise<SealedPart | null> {
  mustBeAlike(all);
  signerFor(takers, [signer]);
  mustBeOfAnother(toHex(signer.ski), signer.name, others);
  // A page that is left wipes the part while this goes on.
  const value = slice(part.value, 0);
  try {
    if (!equal(await verificationPattern(value), part.pattern)) throw new TkeError("parts", "the key part is not open any more: open it again");
    const made: Sealed[] = [];
    await inTurn(takers.map((facts) => ({ facts })), null, async ({ facts }) => made.push(await sealTo(facts, value, part.pattern)));
    if (!(await ask({ blocks: made.map((one) => one.shown), signers: [signer], then: "seal" }))) return null;
    const units = [];
    for (const { facts, block } of made) units.push({ hsm: facts.unit.hsm_id, request: await signPart(block, signer) });
    const sealed = await verifySealedPart({ instance, pattern: toHex(part.pattern), by: signer.name, units }, takers);
    part.value.fill(0);
    return sealed;
  } finally {
    value.fill(0);
  }
}

// A part that somebody sealed: signed for every unit by one administrator of it, who is named as the unit knows them.
export async function verifySealedPart(part: SealedPart, takers: readonly UnitFacts[]): Promise<SealedPart> {
  if (takers.length === 0) throw new TkeError("parts", "no crypto unit takes key parts now");
  const signer = signerOfPart(part);
  let by: string | null = null;
  for (const facts of takers) {
    const entry = part.units.find(({ hsm }) => hsm === facts.unit.hsm_id);
    if (!entry) throw new TkeError("parts", `a sealed key part has nothing for crypto unit ${facts.unit.location}: seal it again`);
    const request = parseRequestPayload(entry.request);
    const [info] = parseSignerInfos(request.signerInfos);
    const administrator = facts.administrators.find(({ ski }) => info && equal(ski, info.ski));
    const isSigned = info !== undefined && toHex(info.ski) === signer && administrator !== undefined && (await verifySignature(administrator, request.block, info));
    if (!isSigned) throw new TkeError("stranger", `the sealed key part is not signed by an administrator of crypto unit ${facts.unit.location}`);
    by = shownText(administrator.name);
  }
  return { ...part, by: by ?? part.by };
}

async function importOf(facts: UnitFacts, parts: readonly SealedPart[]): Promise<AdminBlock> {
  const importer = await importerOf(facts);
  const requests = parts.map((part) => part.units.find(({ hsm }) => hsm === facts.unit.hsm_id)?.request);
  if (!requests.every((request) => request !== undefined)) throw new TkeError("parts", `a sealed key part has nothing for crypto unit ${facts.unit.location}: seal it again`);
  return importBlock(await facts.session.moment(), facts.session.target.domainIndex, importer, requests);
}

// Sends all parts to all units. Each unit is checked before the first is told anything.
export async function loadParts(takers: readonly UnitFacts[], parts: readonly SealedPart[], tell: Tell): Promise<void> {
  const made: { facts: UnitFacts; block: AdminBlock }[] = [];
  await inTurn(takers.map((facts) => ({ facts })), null, async ({ facts }) => made.push({ facts, block: await importOf(facts, parts) }));
  await inTurn(made, tell, ({ facts, block }) => facts.session.run(block, EMPTY));
}

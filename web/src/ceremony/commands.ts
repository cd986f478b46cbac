// The commands beside the path of a ceremony: control points, erasing, accepting stored records. Where one signature (or, in
// imprint mode, none) is enough and a key for it is open, the command is sent; else it is proposed.
import { transportTo } from "../api/units";
import type { UnitFacts } from "../crypto-units/facts";
import type { Signer } from "../tke/administrator";
import { signBlock } from "../tke/administrator";
import { COMMAND, EMPTY } from "../tke/admin";
import { controlPointMask, hasControlPoint, isImprint } from "../tke/attributes";
import { equal, fromHex, type Bytes } from "../tke/bytes";
import { TkeError } from "../tke/error";
import type { PublicKey } from "../tke/p521";
import { signaturesNeeded } from "../tke/rules";
import { confirm, installed, make, proposeMade, signerFor, type Ask } from "./actions";
import { inTurn, type Tell } from "./series";

// What became of a command; null: the person said no.
export type Outcome = "sent" | "proposed" | null;

interface Wish {
  instance: string;
  all: readonly UnitFacts[];
  command: number;
  input: Bytes;
  signers: readonly Signer[];
  note: string;
  // Also when stored keys would be lost by it.
  acceptKeyLoss?: boolean;
  // Gets what a unit answers, when the command is sent at once.
  answered?: (output: Bytes) => Promise<void>;
}

async function runOrPropose(ask: Ask, { instance, all, command, input, signers, note, acceptKeyLoss = false, answered }: Wish, tell: Tell): Promise<Outcome> {
  const made = await Promise.all(all.map((facts) => make(facts, command, input)));
  const needed = Math.max(...made.map(({ block, facts }) => signaturesNeeded(block, facts.attributes)));
  if (needed > 1) {
    const able = signers.filter((signer) => all.every((facts) => installed(facts, [signer]).length > 0));
    if (able.length === 0) signerFor(all, signers);
    return (await proposeMade(ask, instance, made, able, note, tell)) ? "proposed" : null;
  }
  const signing = needed === 0 ? [] : [signerFor(all, signers)];
  if (!(await confirm(ask, made, signing, "send"))) return null;
  await inTurn(made, tell, async ({ facts, block, der }) => {
    const output = await facts.session.run(block, await signBlock(der, signing), transportTo(instance, facts.unit.hsm_id, acceptKeyLoss));
    await answered?.(output);
  });
  return "sent";
}

// ---- control points ----

// Units in imprint mode take no control points.
export const pointTakers = (all: readonly UnitFacts[], bit: number, on: boolean): UnitFacts[] => all.filter((facts) => !isImprint(facts.attributes) && hasControlPoint(facts.controlPoints, bit) !== on);

export function setControlPoint(ask: Ask, instance: string, all: readonly UnitFacts[], bit: number, on: boolean, signers: readonly Signer[], tell: Tell): Promise<Outcome> {
  const command = on ? COMMAND.enableControlPoints : COMMAND.disableControlPoints;
  return runOrPropose(ask, { instance, all: pointTakers(all, bit, on), command, input: controlPointMask(bit), signers, note: "" }, tell);
}

// ---- erasing ----

export type Erasing = "zeroize" | "clearCurrent";

export const erase = (ask: Ask, instance: string, unit: UnitFacts, what: Erasing, acceptKeyLoss: boolean, signers: readonly Signer[], tell: Tell): Promise<Outcome> =>
  runOrPropose(ask, { instance, all: [unit], command: COMMAND[what], input: EMPTY, signers, note: "", acceptKeyLoss }, tell);

// ---- stored records ----

// Units that serve the instance.
export const servingUnits = (all: readonly UnitFacts[]): UnitFacts[] => all.filter(({ unit, attributes }) => unit.type === "operational" && unit.membership === "joined" && !isImprint(attributes));

// One unit is told: it tells the others of the instance.
const tellOne = (all: readonly UnitFacts[]): UnitFacts => {
  const [one] = servingUnits(all);
  if (!one) throw new TkeError("stranger", "the instance has no crypto unit that serves it");
  return one;
};

const DIFFERENCE_BYTES = 32;
export const isDifference = (text: string): boolean => fromHex(text.trim())?.length === DIFFERENCE_BYTES;

export const acceptRecords = (ask: Ask, instance: string, all: readonly UnitFacts[], difference: string, signers: readonly Signer[], note: string, tell: Tell): Promise<Outcome> =>
  runOrPropose(ask, { instance, all: [tellOne(all)], command: COMMAND.acceptRecords, input: fromHex(difference.trim())!, signers, note }, tell);

// ---- sealed transfers ----

export type TransferCommand = "offerTransfer" | "authorizeTransfer" | "consentTransfer";

// A transfer is open in one unit. `offeredBy`: the module that made the offer; its unit opens the bundle, no other.
export function unitForTransfer(all: readonly UnitFacts[], chosen: string, offeredBy?: PublicKey): UnitFacts {
  const units = servingUnits(all);
  if (chosen) {
    const one = units.find(({ unit }) => unit.hsm_id === chosen);
    if (!one) throw new TkeError("transfer", "the chosen crypto unit does not serve the instance any more: choose another");
    return one;
  }
  if (!offeredBy) return tellOne(all);
  const one = units.find(({ session }) => equal(session.moduleKey.point, offeredBy.point));
  if (!one) throw new TkeError("transfer", "no crypto unit that serves the instance made the offer of this bundle: choose the unit in which the transfer is open, or begin with a new offer");
  return one;
}

export interface TransferWish {
  instance: string;
  unit: UnitFacts;
  command: TransferCommand;
  input: Bytes;
  signers: readonly Signer[];
  // Gets the offer, when it is made at once.
  answered: (output: Bytes) => Promise<void>;
}

export const proposeTransfer = (ask: Ask, { unit, command, answered, ...wish }: TransferWish, tell: Tell): Promise<Outcome> =>
  runOrPropose(ask, { ...wish, all: [unit], command: COMMAND[command], note: "", ...(command === "offerTransfer" && { answered }) }, tell);

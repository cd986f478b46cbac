// How many signatures a command needs, and whether a block made earlier can still be sent. The same as
// src/tke/command_rules.cc; the unit judges in the end.
import { compare, equal, type Bytes } from "./bytes";
import { COMMAND, nextCounter, type AdminBlock } from "./admin";
import { applyAttributes, isImprint, namesTransfer, PERMISSION, type Attributes } from "./attributes";

export const MAX_COMMANDS_AHEAD = 100;

// What a command block is made for.
export interface Moment {
  domainInstance: number;
  moduleId: Bytes;
  counter: Bytes;
  attributes: Attributes;
}

// Whether the unit has carried out no command in between.
export const isSameMoment = (a: Moment, b: Moment): boolean => a.domainInstance === b.domainInstance && equal(a.moduleId, b.moduleId) && equal(a.counter, b.counter);

// `ahead`: how many other commands of the unit come before it, at most MAX_COMMANDS_AHEAD.
export function makeBlock(moment: Moment, domainIndex: number, command: number, input: Bytes, ahead = 0): AdminBlock {
  return { command, domainIndex, domainInstance: moment.domainInstance, moduleId: moment.moduleId, counter: nextCounter(moment.counter, 1 + ahead), input };
}

// How many commands must come before it; null: it can never be sent any more.
export function commandsBefore(block: AdminBlock, moment: Moment): number | null {
  if (block.domainInstance !== moment.domainInstance || !equal(block.moduleId, moment.moduleId)) return null;
  if (compare(block.counter, moment.counter) <= 0) return null;
  for (let steps = 1; steps <= MAX_COMMANDS_AHEAD + 1; steps += 1) {
    if (equal(nextCounter(moment.counter, steps), block.counter)) return steps - 1;
  }
  return null;
}

export function signaturesNeeded(block: AdminBlock, attributes: Attributes): number {
  const withPermission = (bit: number) => ((attributes.permissions & bit) !== 0 ? 1 : attributes.signatureThreshold);
  if (isImprint(attributes)) {
    if (block.command !== COMMAND.setAttributes) return 0;
    try {
      return applyAttributes(attributes, block.input).signatureThreshold;
    } catch {
      return 0;
    }
  }
  switch (block.command) {
    case COMMAND.removeAdministrator:
      return attributes.revocationThreshold;
    case COMMAND.replaceAdministrator:
      return Math.max(attributes.signatureThreshold, attributes.revocationThreshold);
    case COMMAND.generateImporter:
    case COMMAND.createRandomKey:
    case COMMAND.importKeyParts:
    case COMMAND.finalizePending:
    case COMMAND.clearCurrent:
    case COMMAND.clearPending:
      return 1;
    case COMMAND.zeroize:
      return withPermission(PERMISSION.zeroizeWithOne);
    case COMMAND.setControlPoints:
    case COMMAND.enableControlPoints:
      return namesTransfer(block.input) ? attributes.signatureThreshold : withPermission(PERMISSION.controlPointsWithOne);
    case COMMAND.disableControlPoints:
      return withPermission(PERMISSION.controlPointsWithOne);
    default:
      return attributes.signatureThreshold;
  }
}

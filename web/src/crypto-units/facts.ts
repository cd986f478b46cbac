// What is known of each crypto unit, read in answers that the unit signed; how units differ; and what a ceremony still
// lacks: pure functions of what was read, so that a plan never rests on what an earlier page remembers.
import type { CryptoUnit, CryptoUnits } from "../api/instances";
import { openUnit } from "../api/units";
import { equal, toHex, type Bytes } from "../tke/bytes";
import type { Administrator } from "../tke/administrator";
import type { AttestationRoot } from "../tke/attestation";
import { isImprint, type Attributes } from "../tke/attributes";
import { samePattern } from "../tke/key-part";
import type { Moment } from "../tke/rules";
import type { UnitSession } from "../tke/unit-session";

export interface UnitFacts {
  unit: CryptoUnit;
  session: UnitSession;
  moment: Moment;
  attributes: Attributes;
  administrators: Administrator[];
  current: Bytes | null;
  pending: Bytes | null;
  // Not in a signed answer. Told falsely, the next command is refused by the unit.
  pendingCommitted: boolean;
  controlPoints: Bytes;
}

// A unit that answered, or why it is not believed.
export type ReadUnit = { unit: CryptoUnit; facts: UnitFacts; error?: undefined } | { unit: CryptoUnit; facts?: undefined; error: unknown };

// Sessions are kept from one reading to the next: a session knows the newest counter that it has seen, so that nobody can
// answer with an older state.
export type Sessions = Map<string, UnitSession>;

async function readFacts(session: UnitSession, unit: CryptoUnit): Promise<UnitFacts> {
  const moment = await session.moment();
  return {
    unit,
    session,
    moment,
    attributes: moment.attributes,
    administrators: await session.administrators(),
    current: await session.pattern("current"),
    pending: await session.pattern("pending"),
    pendingCommitted: await session.isPendingCommitted(),
    controlPoints: await session.controlPoints(),
  };
}

export async function readUnits(instance: string, units: readonly CryptoUnit[], root: AttestationRoot, sessions: Sessions): Promise<ReadUnit[]> {
  return Promise.all(
    units.map(async (unit): Promise<ReadUnit> => {
      try {
        const session = sessions.get(unit.hsm_id) ?? (await openUnit(instance, unit, root));
        sessions.set(unit.hsm_id, session);
        return { unit, facts: await readFacts(session, unit) };
      } catch (error) {
        sessions.delete(unit.hsm_id);
        return { unit, error };
      }
    }),
  );
}

export const inOrder = (units: CryptoUnits): CryptoUnit[] => [...units.hsms, ...units.source_hsms, ...units.failover_hsms];

// ---- registers ----

export type RegisterState = "empty" | "uncommitted" | "committed" | "valid";
export const currentState = (facts: UnitFacts): RegisterState => (facts.current ? "valid" : "empty");
export const pendingState = (facts: UnitFacts): RegisterState => (!facts.pending ? "empty" : facts.pendingCommitted ? "committed" : "uncommitted");

// ---- differences ----

export type Aspect = "administrators" | "thresholds" | "current" | "new" | "controlPoints";
export const ASPECTS: Aspect[] = ["administrators", "thresholds", "current", "new", "controlPoints"];

// What must be equal in all units of an instance, as one text.
export function valueOf(facts: UnitFacts, aspect: Aspect): string {
  switch (aspect) {
    case "administrators":
      return facts.administrators.map((one) => toHex(one.ski)).sort().join(" ");
    case "thresholds":
      return `${facts.attributes.signatureThreshold}/${facts.attributes.revocationThreshold}`;
    case "current":
      return facts.current ? toHex(facts.current.slice(0, 28)) : "";
    case "new":
      return facts.pending ? `${toHex(facts.pending.slice(0, 28))} ${pendingState(facts)}` : "";
    case "controlPoints":
      return toHex(facts.controlPoints);
  }
}

export const differs = (all: readonly UnitFacts[], aspect: Aspect): boolean => new Set(all.map((facts) => valueOf(facts, aspect))).size > 1;

// The pattern that most units hold: the others are marked against it.
export function usual(all: readonly UnitFacts[], aspect: Aspect): string {
  const counts = new Map<string, number>();
  for (const facts of all) counts.set(valueOf(facts, aspect), (counts.get(valueOf(facts, aspect)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

// ---- the ceremony's plan ----

export type StepName = "administrators" | "thresholds" | "load" | "commit" | "reseal" | "activate";
export const STEPS: StepName[] = ["administrators", "thresholds", "load", "commit", "reseal", "activate"];

export interface Step {
  name: StepName;
  // "later": something before it is missing; "none": this instance does not need it.
  state: "done" | "now" | "later" | "none";
  done: number;
  total: number;
}

export interface Plan {
  steps: Step[];
  // All units hold one master key, and no new one is on its way.
  complete: boolean;
  rotating: boolean;
  // The units do not agree about a master key: somebody has to decide before anything goes on.
  conflict: boolean;
}

const sameOf = (patterns: readonly (Bytes | null)[]): boolean => patterns.every((pattern) => pattern !== null && patterns[0] !== null && samePattern(pattern, patterns[0]!));

// Whether every new register holds one and the same key.
export const newPatternsAgree = (all: readonly UnitFacts[]): boolean => sameOf(all.filter((facts) => facts.pending).map((facts) => facts.pending));

// Units that have switched to the key that others still hold as the new one.
function isSwitched(facts: UnitFacts, target: Bytes | null): boolean {
  return !facts.pending && facts.current !== null && target !== null && samePattern(facts.current, target);
}

const targetOf = (all: readonly UnitFacts[]): Bytes | null => all.find((facts) => facts.pending)?.pending ?? null;

// The units that the next key is for: those without a master key; when all have one, all.
function receivers(all: readonly UnitFacts[]): UnitFacts[] {
  const without = all.filter((facts) => !facts.current);
  return without.length > 0 ? without : [...all];
}

// Those of them whose new register is still to be loaded.
export function takersOf(all: readonly UnitFacts[]): UnitFacts[] {
  const target = targetOf(all);
  return receivers(all).filter((facts) => !facts.pending && !isSwitched(facts, target));
}

// `resealed`: whether the server has sealed all stored keys under the new key; undefined: not known.
export function planOf(all: readonly UnitFacts[], resealed?: boolean): Plan {
  const total = all.length;
  const target = targetOf(all);
  const takers = receivers(all);
  const isReceiver = new Set(takers);
  const rotating = target !== null && all.every((facts) => facts.current);
  const currents = all.map((facts) => facts.current);
  const complete = total > 0 && target === null && sameOf(currents);
  const configured = all.filter((facts) => !isImprint(facts.attributes)).length;
  const withAdministrators = all.filter((facts) => facts.administrators.length > 0 || !isImprint(facts.attributes)).length;
  const switched = takers.filter((facts) => isSwitched(facts, target)).length;
  const loaded = switched + takers.filter((facts) => facts.pending).length;
  const committed = switched + takers.filter((facts) => facts.pendingCommitted).length;
  const rows: [StepName, number, number][] = [
    ["administrators", withAdministrators, total],
    ["thresholds", configured, total],
    ["load", loaded, takers.length],
    ["commit", committed, takers.length],
    ["reseal", resealed || switched > 0 ? 1 : 0, 1],
    ["activate", switched, takers.length],
  ];
  let open = true;
  const steps = rows.map(([name, done, of]): Step => {
    if (name === "reseal" && !rotating) return { name, state: "none", done: 0, total: 0 };
    if (complete) return { name, state: "done", done: total, total };
    const state = of > 0 && done === of ? "done" : open ? "now" : "later";
    if (state === "now") open = false;
    return { name, state, done, total: of };
  });
  const settled = all.filter((facts) => facts.current && !isReceiver.has(facts)).map((facts) => facts.current);
  const conflict = !newPatternsAgree(all) || (rotating ? false : !sameOf(takers.length === total ? currents.filter((one) => one) : settled));
  return { steps, complete, rotating, conflict };
}

export const hasAdministrator = (facts: UnitFacts, ski: Uint8Array): boolean => facts.administrators.some((one) => equal(one.ski, ski));

// Administrators over all units, each once.
export function allAdministrators(all: readonly UnitFacts[]): Administrator[] {
  const found = new Map<string, Administrator>();
  for (const facts of all) for (const one of facts.administrators) found.set(toHex(one.ski), one);
  return [...found.values()];
}

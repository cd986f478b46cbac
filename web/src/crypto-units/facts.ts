// What is known of each crypto unit, read in answers that the unit signed; how units differ; and what a ceremony still
// lacks: pure functions of what was read, so that a plan never rests on what an earlier page remembers.
import type { CryptoUnit, CryptoUnits } from "../api/instances";
import { equal, toHex, type Bytes } from "../tke/bytes";
import type { Administrator } from "../tke/administrator";
import { hex8, isImprint, type Attributes } from "../tke/attributes";
import { TkeError } from "../tke/error";
import { targetOf as addressOf } from "../tke/frame";
import { samePattern } from "../tke/key-part";
import type { Moment } from "../tke/rules";
import { noneYet, type Newest, type UnitSession } from "../tke/unit-session";

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

// A unit as it is, or was when it could last be read (`error` then says why it could not now); without facts it was never
// read, or is not believed.
export interface ReadUnit {
  unit: CryptoUnit;
  facts?: UnitFacts;
  error?: unknown;
}

// Whether an answer was false, which no second look mends.
export const isDistrusted = (error: unknown): boolean => error instanceof TkeError && (error.code === "foreign" || error.code === "untrusted");

function isAt({ target }: UnitSession, unit: CryptoUnit): boolean {
  const { moduleIndex, domainIndex, serialNumber } = addressOf(unit.location, unit.serial_number);
  return target.moduleIndex === moduleIndex && target.domainIndex === domainIndex && target.serialNumber === serialNumber;
}

// What is kept of the units from one reading to the next, so that nobody can answer with an older state than was seen. What
// was newest is kept by module and domain, and outlives a session that has failed and a list that names other units.
export class Sessions {
  private readonly open = new Map<string, UnitSession>();
  private readonly newest = new Map<string, Newest>();
  private readonly last = new Map<string, UnitFacts>();

  constructor(private readonly openSession: (unit: CryptoUnit, newest: Newest) => Promise<UnitSession>) {}

  private async sessionOf(unit: CryptoUnit): Promise<UnitSession> {
    const known = this.open.get(unit.hsm_id);
    if (known && isAt(known, unit)) return known;
    const { domainIndex, serialNumber } = addressOf(unit.location, unit.serial_number);
    const name = `${serialNumber} ${domainIndex}`;
    const newest = this.newest.get(name) ?? noneYet();
    this.newest.set(name, newest);
    const session = await this.openSession(unit, newest);
    this.open.set(unit.hsm_id, session);
    return session;
  }

  async read(unit: CryptoUnit): Promise<ReadUnit> {
    try {
      const facts = await readFacts(await this.sessionOf(unit), unit);
      this.last.set(unit.hsm_id, facts);
      return { unit, facts };
    } catch (error) {
      // The certificates are looked at again.
      this.open.delete(unit.hsm_id);
      const last = this.last.get(unit.hsm_id);
      if (!last || isDistrusted(error) || !isAt(last.session, unit)) return { unit, error };
      return { unit, facts: last, error };
    }
  }
}

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

export const readUnits = (units: readonly CryptoUnit[], sessions: Sessions): Promise<ReadUnit[]> => Promise.all(units.map((unit) => sessions.read(unit)));

export const inOrder = (units: CryptoUnits): CryptoUnit[] => [...units.hsms, ...units.source_hsms, ...units.failover_hsms];

// ---- registers ----

export type RegisterState = "empty" | "uncommitted" | "committed" | "valid";
export const currentState = (facts: UnitFacts): RegisterState => (facts.current ? "valid" : "empty");
export const pendingState = (facts: UnitFacts): RegisterState => (!facts.pending ? "empty" : facts.pendingCommitted ? "committed" : "uncommitted");

// ---- differences ----

export type Aspect = "administrators" | "thresholds" | "current" | "new" | "controlPoints" | "permissions";
export const ASPECTS: Aspect[] = ["administrators", "thresholds", "current", "new", "controlPoints", "permissions"];

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
    case "permissions":
      return `${hex8(facts.attributes.permissions)} ${hex8(facts.attributes.compliance)}`;
  }
}

// The units that one must be equal to: recovery units have permissions of their own.
const peersOf = (all: readonly UnitFacts[], one: UnitFacts, aspect: Aspect): UnitFacts[] => (aspect === "permissions" ? all.filter(({ unit }) => unit.type === one.unit.type) : [...all]);

export const differs = (all: readonly UnitFacts[], aspect: Aspect): boolean => all.some((one) => isOdd(all, one, aspect));
export const isOdd = (all: readonly UnitFacts[], one: UnitFacts, aspect: Aspect): boolean => valueOf(one, aspect) !== usual(peersOf(all, one, aspect), aspect);

// Units that other people administer than most, or with other thresholds: one of them may be somebody's own, put there to take
// a key part.
export const strangersIn = (all: readonly UnitFacts[]): { facts: UnitFacts; aspect: "administrators" | "thresholds" }[] =>
  (["administrators", "thresholds"] as const).flatMap((aspect) => all.filter((facts) => isOdd(all, facts, aspect)).map((facts) => ({ facts, aspect })));

// What most units have: the others are marked against it.
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

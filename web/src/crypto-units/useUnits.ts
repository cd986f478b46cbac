// The verified state of an instance's units, for the pages that show or change it.
import { useCallback, useRef } from "react";
import { listUnits } from "../api/instances";
import { readRoot } from "../api/units";
import { useLoad } from "../components/load";
import { useIsLocal } from "../shell/session";
import type { AttestationRoot } from "../tke/attestation";
import { inOrder, readUnits, type ReadUnit, type Sessions, type UnitFacts } from "./facts";

export interface UnitsState {
  root: AttestationRoot;
  units: ReadUnit[];
  // Those that are believed, in order.
  facts: UnitFacts[];
}

export function useUnits(instance: string) {
  const isLocal = useIsLocal();
  const sessions = useRef<Sessions>(new Map());
  const read = useCallback(
    async (signal: AbortSignal): Promise<UnitsState> => {
      const [root, list] = await Promise.all([readRoot(isLocal, signal), listUnits(instance, { signal })]);
      const units = await readUnits(instance, inOrder(list), root, sessions.current);
      return { root, units, facts: units.flatMap((one) => (one.facts ? [one.facts] : [])) };
    },
    [instance, isLocal],
  );
  return useLoad<UnitsState>(`units:${instance}:${isLocal}`, read);
}

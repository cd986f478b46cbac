// The verified state of an instance's units, for the pages that show or change it.
import { useCallback, useRef } from "react";
import { listUnits } from "../api/instances";
import { openUnit, readPinnedRoot, readServersRoot } from "../api/units";
import { useLoad } from "../components/load";
import { useIsLocal } from "../shell/session";
import type { AttestationRoot } from "../tke/attestation";
import { equal } from "../tke/bytes";
import { inOrder, readUnits, Sessions, type ReadUnit, type UnitFacts } from "./facts";

export interface UnitsState {
  root: AttestationRoot;
  units: ReadUnit[];
  // Those that are believed, in order; with what was last read where that failed now.
  facts: UnitFacts[];
  // When this reading began.
  began: number;
}

export function useUnits(instance: string) {
  const isLocal = useIsLocal();
  const kept = useRef<{ instance: string; root: AttestationRoot; sessions: Sessions }>(undefined);
  const read = useCallback(
    async (signal: AbortSignal): Promise<UnitsState> => {
      const began = performance.now();
      // What is pinned is asked for once: whoever answers later says nothing that counts.
      const known = kept.current?.instance === instance ? kept.current : undefined;
      const [root, list] = await Promise.all([isLocal ? (known?.root ?? readPinnedRoot(signal)) : readServersRoot(signal), listUnits(instance, { signal })]);
      const sessions = known && equal(known.root.ski, root.ski) ? known.sessions : new Sessions((unit, newest) => openUnit(instance, unit, root, newest));
      kept.current = { instance, root, sessions };
      const units = await readUnits(inOrder(list), sessions);
      return { root, units, facts: units.flatMap((one) => (one.facts ? [one.facts] : [])), began };
    },
    [instance, isLocal],
  );
  return useLoad<UnitsState>(`units:${instance}:${isLocal}`, read);
}

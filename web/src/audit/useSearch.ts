// A search of the server's log that goes further back when it is told to.
import { useCallback, useEffect, useRef, useState } from "react";
import { searchAuditRecords, type AuditRecords, type AuditSearch } from "../api/audit";
import { entryOf, type Shown } from "./entries";

interface State {
  // Undefined until the first answer.
  entries?: Shown[];
  findings: AuditRecords["findings"];
  complete: boolean;
  cursor: string;
  lookedBackTo?: string;
  busy: boolean;
  error?: unknown;
}

export interface Search extends State {
  lookFurther: () => void;
  restart: () => void;
}

const NOTHING: State = { findings: [], complete: false, cursor: "", busy: true };

const follow = (before: State, page: AuditRecords): State => ({
  entries: [...(before.entries ?? []), ...page.records.map(entryOf)],
  findings: [...before.findings, ...page.findings],
  complete: page.complete,
  cursor: page.cursor ?? "",
  lookedBackTo: page.looked_back_to ?? before.lookedBackTo,
  busy: false,
});

export function useSearch(search: AuditSearch): Search {
  const key = JSON.stringify(search);
  const [state, setState] = useState(NOTHING);
  const running = useRef<AbortController>(null);

  const load = useCallback(
    (cursor: string) => {
      running.current?.abort();
      const abort = (running.current = new AbortController());
      setState((before) => (cursor ? { ...before, busy: true, error: undefined } : NOTHING));
      searchAuditRecords(JSON.parse(key) as AuditSearch, cursor, abort.signal).then(
        (page) => !abort.signal.aborted && setState((before) => follow(before, page)),
        (error: unknown) => !abort.signal.aborted && setState((before) => ({ ...before, busy: false, error })),
      );
    },
    [key],
  );
  useEffect(() => {
    load("");
    return () => running.current?.abort();
  }, [load]);

  return { ...state, lookFurther: () => load(state.cursor), restart: () => load("") };
}

// Where a DataTable gets its rows from: the server, page by page as they come into view, or a list at hand.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

export interface Rows<Row> {
  // Undefined until the first answer.
  total: number | undefined;
  // Undefined while the page that holds it is on its way.
  at: (index: number) => Row | undefined;
  // Says which rows are in view, the last one included.
  want: (first: number, last: number) => void;
  error: unknown;
  reload: () => void;
}

// Rows per request: a few screens, and what the API gives when nothing is said.
const PAGE = 200;
// While somebody drags the scroll bar through 50,000 rows, pages that pass by are not asked for.
const SETTLE_MS = 60;
// Pages further away than this from the view are forgotten.
const KEEP_PAGES = 40;

type LoadPage<Row> = (offset: number, limit: number, signal: AbortSignal) => Promise<{ rows: Row[]; total: number }>;

interface Store<Row> {
  key: string;
  generation: number;
  pages: Map<number, { rows: Row[]; generation: number }>;
  loading: Map<number, AbortController>;
}

const empty = <Row,>(key: string): Store<Row> => ({ key, generation: 0, pages: new Map(), loading: new Map() });

// `key` names the query: a new one starts over. Reload keeps the old rows until the new ones are there.
export function useServerRows<Row>(key: string, load: LoadPage<Row>): Rows<Row> {
  const store = useRef<Store<Row>>(empty(key));
  const latest = useRef(load);
  latest.current = load;
  const view = useRef<[number, number]>([0, 0]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [state, setState] = useState<{ key: string; total?: number; error?: unknown; tick: number }>({ key, tick: 0 });

  const fetchPage = useCallback((page: number) => {
    const mine = store.current;
    const generation = mine.generation;
    const abort = new AbortController();
    mine.loading.set(page, abort);
    const isWanted = () => store.current === mine && mine.loading.get(page) === abort;
    latest.current(page * PAGE, PAGE, abort.signal).then(
      (answer) => {
        if (!isWanted()) return;
        mine.loading.delete(page);
        mine.pages.set(page, { rows: answer.rows, generation });
        setState((before) => ({ key: mine.key, total: answer.total, tick: before.tick + 1 }));
      },
      (error: unknown) => {
        if (!isWanted()) return;
        mine.loading.delete(page);
        if (!abort.signal.aborted) setState((before) => ({ key: mine.key, total: before.key === mine.key ? before.total : undefined, error, tick: before.tick + 1 }));
      },
    );
  }, []);

  const settle = useCallback(() => {
    const mine = store.current;
    const [first, last] = [Math.floor(view.current[0] / PAGE), Math.floor(view.current[1] / PAGE)];
    for (const [page, abort] of mine.loading) {
      if (page >= first && page <= last) continue;
      mine.loading.delete(page);
      abort.abort();
    }
    for (const page of mine.pages.keys()) if (Math.abs(page - first) > KEEP_PAGES) mine.pages.delete(page);
    for (let page = first; page <= last; page += 1) {
      if (mine.loading.has(page) || mine.pages.get(page)?.generation === mine.generation) continue;
      fetchPage(page);
    }
  }, [fetchPage]);

  const want = useCallback(
    (first: number, last: number) => {
      view.current = [first, Math.max(first, last)];
      clearTimeout(timer.current);
      timer.current = setTimeout(settle, SETTLE_MS);
    },
    [settle],
  );

  const reload = useCallback(() => {
    store.current.generation += 1;
    for (const abort of store.current.loading.values()) abort.abort();
    store.current.loading.clear();
    setState((before) => ({ ...before, error: undefined }));
    settle();
  }, [settle]);

  useEffect(() => {
    store.current = empty(key);
    view.current = [0, 0];
    settle();
    const mine = store.current;
    return () => {
      clearTimeout(timer.current);
      for (const abort of mine.loading.values()) abort.abort();
      mine.loading.clear();
    };
  }, [key, settle]);

  const isCurrent = state.key === key;
  const tick = state.tick;
  return useMemo<Rows<Row>>(
    () => ({
      total: isCurrent ? state.total : undefined,
      at: (index) => (store.current.key === key ? store.current.pages.get(Math.floor(index / PAGE))?.rows[index % PAGE] : undefined),
      want,
      error: isCurrent ? state.error : undefined,
      reload,
    }),
    // The tick stands for the contents of the store.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key, isCurrent, state.total, state.error, tick, want, reload],
  );
}

export function useLocalRows<Row>(rows: readonly Row[] | undefined, error?: unknown, reload: () => void = () => undefined): Rows<Row> {
  return useMemo(() => ({ total: rows?.length, at: (index) => rows?.[index], want: () => undefined, error, reload }), [rows, error, reload]);
}

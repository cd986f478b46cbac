// Reading and doing, as hooks: `useLoad` for what a page shows, `useAction` for what a person triggers.
import { useCallback, useEffect, useRef, useState } from "react";

export interface Loaded<Data> {
  data: Data | undefined;
  error: unknown;
  loading: boolean;
  // Reads again; what is shown stays until the new answer is there.
  reload: () => void;
}

// Calls `read` at first and whenever `key` changes, and gives up answers that nobody waits for any more.
// `key` names what is read ("instance:<guid>"); null reads nothing.
export function useLoad<Data>(key: string | null, read: (signal: AbortSignal) => Promise<Data>): Loaded<Data> {
  const [state, setState] = useState<{ key: string | null; data?: Data; error?: unknown }>({ key: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(read);
  latest.current = read;

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    latest.current(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ key, data });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState((before) => ({ key, error, data: before.key === key ? before.data : undefined }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);

  const reload = useCallback(() => setTurn((value) => value + 1), []);
  const isCurrent = state.key === key;
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    loading: key !== null && !(isCurrent && (state.data !== undefined || state.error !== undefined)),
    reload,
  };
}

// Calls `read` every `ms` milliseconds while the page is visible: progress of long work.
export function usePolling(ms: number | null, reload: () => void): void {
  useEffect(() => {
    if (ms === null) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, ms);
    return () => clearInterval(timer);
  }, [ms, reload]);
}

export interface Action<Arguments extends unknown[]> {
  run: (...values: Arguments) => void;
  busy: boolean;
  error: unknown;
  clear: () => void;
}

// Runs `work` once at a time; `done` follows success.
export function useAction<Arguments extends unknown[], Result>(work: (...values: Arguments) => Promise<Result>, done?: (result: Result) => void): Action<Arguments> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const running = useRef(false);
  const run = (...values: Arguments) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setError(undefined);
    work(...values)
      .then(done, setError)
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  };
  return { run, busy, error, clear: () => setError(undefined) };
}

// One thing at a time: what the page is doing, how far it is, and what went wrong.
import { useCallback, useRef, useState } from "react";
import type { Ask } from "./actions";
import type { Tell } from "./series";

export type WorkName = "enrol" | "thresholds" | "importers" | "seal" | "load" | "commit" | "activate" | "clear" | "sign" | "send" | "delete" | "points" | "records" | "erase" | "prepare" | "random" | "copy" | "units" | "transfer" | "look";

export interface Work {
  // "look": nothing is done, but the units have to be read again first.
  busy: WorkName | null;
  progress: { done: number; total: number } | null;
  error: unknown;
  ask: Ask;
  tell: Tell;
  run: (name: WorkName, work: () => Promise<unknown>) => void;
}

// `after` runs when something was done or has failed: the units are looked at again.
export function useWork(ask: Ask, after: () => void): Work {
  const [state, setState] = useState<{ busy: WorkName | null; error?: unknown }>({ busy: null });
  const [progress, setProgress] = useState<Work["progress"]>(null);
  const running = useRef(false);
  const tell = useCallback<Tell>((done, total) => setProgress({ done, total }), []);
  const run = useCallback<Work["run"]>(
    (name, work) => {
      if (running.current) return;
      running.current = true;
      setState({ busy: name });
      // In one step: nothing is offered for what was there before the work.
      const end = (error?: unknown) => {
        running.current = false;
        setState({ busy: null, error });
        setProgress(null);
        after();
      };
      work().then(() => end(), end);
    },
    [after],
  );
  return { ...state, error: state.error, progress, ask, tell, run };
}

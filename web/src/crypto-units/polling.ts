// Looking again at what others change: soon after a change, then less and less often; never while the page is hidden.
import { useEffect, useRef } from "react";

const FIRST_MS = 2000;
const LONGEST_MS = 15000;
const GROWTH = 1.5;

// `state` is what was read, as a text: while it stays the same the waiting grows. Null: nothing to wait for.
export function useBackOff(state: string | null, reload: () => void): void {
  const wait = useRef(FIRST_MS);
  const last = useRef(state);
  useEffect(() => {
    if (state === null) return;
    if (last.current !== state) wait.current = FIRST_MS;
    last.current = state;
    let timer: ReturnType<typeof setTimeout>;
    const turn = () => {
      timer = setTimeout(() => {
        wait.current = Math.min(LONGEST_MS, wait.current * GROWTH);
        if (document.visibilityState === "visible") reload();
        turn();
      }, wait.current);
    };
    // Somebody who comes back to the page sees what is now.
    const onVisible = () => {
      if (document.visibilityState !== "visible") return;
      wait.current = FIRST_MS;
      reload();
      clearTimeout(timer);
      turn();
    };
    turn();
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [state, reload]);
}

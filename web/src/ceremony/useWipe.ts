// Secret bytes of a component: wiped when it goes, and at once when they come after it has gone.
import { useCallback, useEffect, useRef } from "react";
import type { Bytes } from "../tke/bytes";

// Returns what holds bytes for this component.
export function useWipe(): (...secrets: Bytes[]) => void {
  const held = useRef<Bytes[] | null>([]);
  useEffect(() => {
    held.current ??= [];
    return () => {
      held.current?.forEach((bytes) => bytes.fill(0));
      held.current = null;
    };
  }, []);
  return useCallback((...secrets: Bytes[]) => {
    if (held.current) held.current.push(...secrets);
    else secrets.forEach((bytes) => bytes.fill(0));
  }, []);
}

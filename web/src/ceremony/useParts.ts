// The key parts that are open in this page, and those that are sealed. They outlive what is shown of them: a unit that cannot be
// read for a moment, or one that somebody adds, must not take a custodian's part away. They go with the page.
import { useCallback, useEffect, useRef, useState } from "react";
import { equal } from "../tke/bytes";
import type { SealedPart } from "../tke/import";
import type { KeyPart } from "../tke/key-file";

export interface Parts {
  opened: readonly KeyPart[];
  sealed: readonly SealedPart[];
  open: (part: KeyPart) => void;
  forget: (part: KeyPart) => void;
  // Takes the place of one with the same pattern.
  keep: (part: SealedPart) => void;
  drop: (part: SealedPart) => void;
  dropAll: () => void;
}

const wipe = ({ value }: KeyPart) => value.fill(0);

export function useParts(): Parts {
  const [opened, setOpened] = useState<readonly KeyPart[]>([]);
  const [sealed, setSealed] = useState<readonly SealedPart[]>([]);
  // What is open when the page is left, also a part that was opened only just now.
  const held = useRef(new Set<KeyPart>());
  useEffect(() => {
    const parts = held.current;
    return () => parts.forEach(wipe);
  }, []);
  const forget = useCallback((part: KeyPart) => {
    wipe(part);
    held.current.delete(part);
    setOpened((all) => all.filter((other) => other !== part));
  }, []);
  const open = useCallback(
    (part: KeyPart) => {
      // The same part again, perhaps from elsewhere: it is there once.
      [...held.current].filter(({ pattern }) => equal(pattern, part.pattern)).forEach(forget);
      held.current.add(part);
      setOpened((all) => [...all, part]);
    },
    [forget],
  );
  const drop = useCallback((part: SealedPart) => setSealed((all) => all.filter((other) => other !== part)), []);
  const keep = useCallback((part: SealedPart) => setSealed((all) => [...all.filter(({ pattern }) => pattern !== part.pattern), part]), []);
  const dropAll = useCallback(() => setSealed((all) => (all.length === 0 ? all : [])), []);
  return { opened, sealed, open, forget, keep, drop, dropAll };
}

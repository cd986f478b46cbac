// The key parts that are open in this page, and those that are sealed. They outlive what is shown of them: a unit that cannot be
// read for a moment, or one that somebody adds, must not take a custodian's part away. They go with the page.
import { useCallback, useRef, useState } from "react";
import { equal } from "../tke/bytes";
import type { SealedPart } from "../tke/import";
import type { KeyPart } from "../tke/key-file";
import { useWipe } from "./useWipe";

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

export function useParts(): Parts {
  const [opened, setOpened] = useState<readonly KeyPart[]>([]);
  const [sealed, setSealed] = useState<readonly SealedPart[]>([]);
  const hold = useWipe();
  const latest = useRef(opened);
  latest.current = opened;
  const forget = useCallback((part: KeyPart) => {
    part.value.fill(0);
    setOpened((all) => all.filter((other) => other !== part));
  }, []);
  const open = useCallback(
    (part: KeyPart) => {
      hold(part.value);
      // The same part again, perhaps from elsewhere: it is there once.
      const isSame = ({ pattern }: KeyPart) => equal(pattern, part.pattern);
      for (const older of latest.current.filter(isSame)) if (older.value !== part.value) older.value.fill(0);
      setOpened((all) => [...all.filter((other) => !isSame(other)), part]);
    },
    [hold],
  );
  const drop = useCallback((part: SealedPart) => setSealed((all) => all.filter((other) => other !== part)), []);
  const keep = useCallback((part: SealedPart) => setSealed((all) => [...all.filter(({ pattern }) => pattern !== part.pattern), part]), []);
  const dropAll = useCallback(() => setSealed((all) => (all.length === 0 ? all : [])), []);
  return { opened, sealed, open, forget, keep, drop, dropAll };
}

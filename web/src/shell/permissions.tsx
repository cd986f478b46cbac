// What the person may do: read once per instance, and again after a log-in, after a refusal, and when somebody comes
// back to the page after a while. What was read stays until the new answer is there.
import { createContext, useContext, useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from "react";
import { onRefused } from "../api/api";
import { readPermissions, type Permissions } from "../api/permissions";
import { mayOf, type May } from "./may";
import { useSession } from "./session";

// A page waits so long for the first answer; then it offers everything.
const PATIENCE_MS = 2000;
const OLD_MS = 60_000;
// Refusals often come several at a time.
const AFTER_REFUSAL_MS = 200;
const NEVER = 0;

interface Entry {
  value?: Permissions;
  // There is an answer, or none will be waited for.
  settled: boolean;
  readAt: number;
  reading: boolean;
}

class Store {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Set<() => void>();
  private waiting: ReturnType<typeof setTimeout> | undefined;

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly get = (instance: string | null): Entry | undefined => this.entries.get(instance ?? "");

  // Reads what is not there or older than that.
  want(instance: string | null, olderThanMs: number): void {
    const entry = this.get(instance);
    if (entry && (entry.reading || Date.now() - entry.readAt < olderThanMs)) return;
    this.set(instance, { settled: entry?.settled ?? false, value: entry?.value, readAt: Date.now(), reading: true });
    const late = setTimeout(() => this.change(instance, { settled: true }), PATIENCE_MS);
    readPermissions(instance)
      .then(
        (value) => this.change(instance, { value, settled: true, reading: false }),
        () => this.change(instance, { settled: true, reading: false }),
      )
      .finally(() => clearTimeout(late));
  }

  // Answers of other instances are read again when they are looked at.
  refresh(instance: string | null, olderThanMs: number): void {
    this.want(instance, olderThanMs);
    for (const [name, entry] of this.entries) if (!entry.reading && Date.now() - entry.readAt >= olderThanMs) this.set(name, { ...entry, readAt: NEVER });
  }

  // What is known was wrong, also what is being read just now. Several refusals together are one reading.
  refused(instance: string | null): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => (this.get(instance)?.reading ? this.refused(instance) : this.refresh(instance, 0)), AFTER_REFUSAL_MS);
  }

  private change(instance: string | null, change: Partial<Entry>): void {
    const entry = this.get(instance);
    if (entry) this.set(instance, { ...entry, ...change });
  }

  private set(instance: string | null, entry: Entry): void {
    this.entries.set(instance ?? "", entry);
    for (const listener of this.listeners) listener();
  }
}

const StoreContext = createContext<Store | null>(null);

function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("no permissions above this page");
  return store;
}

export interface PermissionsValue {
  may: May;
  // Before, nothing is drawn that depends on it.
  settled: boolean;
  reload: () => void;
}

const EVERYTHING = mayOf(undefined);
const Context = createContext<PermissionsValue>({ may: EVERYTHING, settled: true, reload: () => undefined });

// Of the instance that the page is about, or of the account on a page without one.
export const useMay = (): May => useContext(Context).may;
export const usePermissions = (): PermissionsValue => useContext(Context);

// One store for one identity: below the session, which is drawn anew for another one.
export function PermissionsStore({ children }: { children: ReactNode }) {
  const store = useMemo(() => new Store(), []);
  return <StoreContext value={store}>{children}</StoreContext>;
}

export const PermissionsProvider = ({ value, children }: { value: PermissionsValue; children: ReactNode }) => <Context value={value}>{children}</Context>;

// What the caller may do on that instance, for a page that shows several.
export function usePermissionsOf(instance: string | null): PermissionsValue {
  const store = useStore();
  const entry = useSyncExternalStore(store.subscribe, () => store.get(instance));
  const isOld = entry === undefined || entry.readAt === NEVER;
  useEffect(() => {
    if (isOld) store.want(instance, OLD_MS);
  }, [store, instance, isOld]);
  const permissions = entry?.value;
  const may = useMemo(() => (permissions ? mayOf(permissions) : EVERYTHING), [permissions]);
  const settled = entry?.settled ?? false;
  return useMemo(() => ({ may, settled, reload: () => store.refresh(instance, 0) }), [may, settled, store, instance]);
}

// The same, kept fresh: for the frame, once.
export function useFreshPermissions(instance: string | null): PermissionsValue {
  const store = useStore();
  const { session } = useSession();
  const value = usePermissionsOf(instance);
  useEffect(() => {
    const onReturn = () => {
      if (document.visibilityState === "visible") store.refresh(instance, OLD_MS);
    };
    window.addEventListener("focus", onReturn);
    document.addEventListener("visibilitychange", onReturn);
    const forget = onRefused(() => store.refused(instance));
    return () => {
      window.removeEventListener("focus", onReturn);
      document.removeEventListener("visibilitychange", onReturn);
      forget();
    };
  }, [store, instance]);
  // Logged in again: the same identity, perhaps with other grants.
  const seen = useRef(session);
  useEffect(() => {
    if (seen.current === session) return;
    seen.current = session;
    store.refresh(instance, 0);
  }, [store, session, instance]);
  return value;
}

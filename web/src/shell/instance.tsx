// The instance that the current page is about: read once, for its name, its units' state and its limits.
import { createContext, useContext, useMemo, type ReactNode } from "react";
import { ApiError } from "../api/api";
import { listUnits, readInstance, type CryptoUnits, type Instance } from "../api/instances";
import { useLoad } from "../components/load";
import type { May } from "./may";
import type { PermissionsValue } from "./permissions";

export interface InstanceValue {
  guid: string;
  // Undefined until read, or when the caller may not.
  instance: Instance | undefined;
  // Null: the caller may not see units (needs Manager). Undefined: not read yet.
  units: CryptoUnits | null | undefined;
  error: unknown;
  reload: () => void;
}

const Context = createContext<InstanceValue | null>(null);

export function useInstance(): InstanceValue {
  const value = useContext(Context);
  if (!value) throw new Error("this page is not about an instance");
  return value;
}

// Nothing is asked that would be refused: each refusal is a record of somebody who may not.
async function read(guid: string, may: May, signal: AbortSignal) {
  const [instance, units] = await Promise.all([may("instances.read") ? readInstance(guid, signal) : undefined, may("tke-cryptounit.list") ? unitsOrNull(guid, signal) : null]);
  return { instance, units };
}

export async function unitsOrNull(guid: string, signal: AbortSignal): Promise<CryptoUnits | null> {
  try {
    return await listUnits(guid, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.isRefusal) return null;
    throw error;
  }
}

export function useInstanceLoad(guid: string | null, { may, settled }: PermissionsValue): InstanceValue | null {
  const rights = `${may("instances.read")} ${may("tke-cryptounit.list")}`;
  const loaded = useLoad(guid === null || !settled ? null : `instance:${guid} ${rights}`, (signal) => read(guid ?? "", may, signal));
  const { data, error, reload } = loaded;
  return useMemo(() => (guid === null ? null : { guid, instance: data?.instance, units: data?.units, error, reload }), [guid, data, error, reload]);
}

export const InstanceProvider = ({ value, children }: { value: InstanceValue; children: ReactNode }) => <Context value={value}>{children}</Context>;

// Sealed transfers of keys between two deployments: what the crypto units of an instance have open.
import { call, type Schema } from "./api";

export type Transfers = Schema<"Transfers">;
export type OutgoingTransfer = Schema<"OutgoingTransfer">;
export type IncomingTransfer = Schema<"IncomingTransfer">;

export async function listTransfers(instance: string, signal?: AbortSignal): Promise<Transfers> {
  return (await call("get", "/v1/transfers", { instance, signal })).data;
}

// The units forget its keys for good; one that is not open is nothing to do.
export async function closeTransfer(instance: string, id: string): Promise<void> {
  await call("delete", "/v1/transfers/{id}", { instance, path: { id } });
}

// Commands that wait for signatures (docs/operations/proposals.md).
import { call, type Schema } from "./api";
import { toBase64, type Bytes } from "../tke/bytes";

export type Proposal = Schema<"Proposal">;

export async function listProposals(instance: string, signal?: AbortSignal): Promise<Proposal[]> {
  return (await call("get", "/v1/tke/{instance}/proposals", { path: { instance }, signal })).data.proposals;
}

// With the block and the signatures.
export async function readProposal(instance: string, proposal: string, signal?: AbortSignal): Promise<Proposal> {
  return (await call("get", "/v1/tke/{instance}/proposals/{proposal}", { path: { instance, proposal }, signal })).data;
}

export async function propose(instance: string, hsm: string, block: Bytes, note: string): Promise<Proposal> {
  return (await call("post", "/v1/tke/{instance}/proposals", { path: { instance }, body: { hsm_id: hsm, block: toBase64(block), note: note || undefined } })).data;
}

export async function addSignature(instance: string, proposal: string, signerInfo: Bytes): Promise<Proposal> {
  return (await call("post", "/v1/tke/{instance}/proposals/{proposal}/signatures", { path: { instance, proposal }, body: { signer_info: toBase64(signerInfo) } })).data;
}

// `acceptKeyLoss`: also a command that stored keys would be lost by.
export async function sendProposal(instance: string, proposal: string, acceptKeyLoss = false): Promise<Schema<"SentProposal">> {
  return (await call("post", "/v1/tke/{instance}/proposals/{proposal}/send", { path: { instance, proposal }, query: acceptKeyLoss ? { accept_key_loss: true } : undefined })).data;
}

export async function deleteProposal(instance: string, proposal: string): Promise<void> {
  await call("delete", "/v1/tke/{instance}/proposals/{proposal}", { path: { instance, proposal } });
}

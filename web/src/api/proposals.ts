// Commands that wait for signatures (docs/operations/proposals.md).
import { call, type Schema } from "./api";
import { tellFault } from "./faults";
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
  const sent = (await call("post", "/v1/tke/{instance}/proposals/{proposal}/send", { path: { instance, proposal }, query: acceptKeyLoss ? { accept_key_loss: true } : undefined })).data;
  const frames = [sent.request, sent.response].filter((frame) => frame !== undefined);
  if (sent.transcript_fault) tellFault({ hsm: sent.hsm_id, kind: "transcript", why: sent.transcript_fault, frames });
  if (sent.record_fault) tellFault({ hsm: sent.hsm_id, kind: "record", why: sent.record_fault, frames });
  return sent;
}

export async function deleteProposal(instance: string, proposal: string): Promise<void> {
  await call("delete", "/v1/tke/{instance}/proposals/{proposal}", { path: { instance, proposal } });
}

// A proposal as this page judges it: decoded from its bytes, held against what the service says of it, its signatures
// verified with the certificates that the unit itself gave. The same checks as src/cli/proposal_review.cc.
import type { Proposal } from "../api/proposals";
import type { UnitFacts } from "../crypto-units/facts";
import { fromBase64, sha512, toHex, utf8, type Bytes } from "../tke/bytes";
import { parseSignerInfos, verifySignature } from "../tke/administrator";
import { describeBlock, shownText, type BlockText } from "../tke/block-text";
import { latin } from "../tke/bytes";
import { commandsBefore, signaturesNeeded } from "../tke/rules";

export interface ReviewedSignature {
  ski: string;
  name: string;
  verified: boolean;
}

export interface Review {
  proposal: Proposal;
  der: Bytes;
  text: BlockText;
  sha512: string;
  // What the service says otherwise than the bytes do: sign nothing.
  contradictions: string[];
  signatures: ReviewedSignature[];
  // Undefined when the unit is not believed or not there.
  facts: UnitFacts | undefined;
  needed: number;
  // Null: it can never be sent any more.
  before: number | null;
}

// What the service calls a fact of a command, and where the text has it.
const FACTS: [string, string][] = [
  ["adminId", "subject key identifier"],
  ["adminId", "administrator removed"],
  ["adminName", "administrator added"],
  ["adminName", "administrator put in the place"],
  ["replacedAdminId", "administrator removed"],
  ["signatureThreshold", "signature threshold"],
  ["revocationSignatureThreshold", "revocation threshold"],
  ["verificationPattern", "verification pattern"],
  ["importerId", "encrypted to importer key"],
];

// The first row whose line the text has decides.
function isFact(text: BlockText, name: string, value: string): boolean {
  const rows = FACTS.filter(([theirs]) => theirs === name);
  for (const [, ours] of rows) {
    const line = text.about.find((one) => one.name === ours);
    if (line) return line.value === shownText(latin(utf8(value)));
  }
  if (rows.length > 0) return false;
  return value === toHex(text.block.input) || text.about.some((line) => line.value === value);
}

function contradictionsOf(proposal: Proposal, text: BlockText, digest: string, facts: UnitFacts | undefined): string[] {
  const { block } = text;
  const same: [string, string, string][] = [
    ["SHA-512", proposal.block_sha512, digest],
    ["command", proposal.command, text.command.startsWith("unknown command") ? "unknown command" : text.command],
    ["domain", String(proposal.domain_index), String(block.domainIndex)],
    ["domain instance", String(proposal.domain_instance), String(block.domainInstance)],
    ["module", proposal.module_id, toHex(block.moduleId)],
    ["counter", proposal.counter, toHex(block.counter)],
  ];
  const out = same.filter(([, said, is]) => said !== is).map(([what, said, is]) => `${what}: ${said} ≠ ${is}`);
  for (const [name, value] of Object.entries(proposal.details)) if (!isFact(text, name, value)) out.push(`${name}: ${value}`);
  if (facts && facts.session.target.domainIndex !== block.domainIndex) out.push(`domain: ${facts.session.target.domainIndex} ≠ ${block.domainIndex}`);
  return out;
}

async function signaturesOf(proposal: Proposal, der: Bytes, facts: UnitFacts | undefined): Promise<ReviewedSignature[]> {
  return Promise.all(
    proposal.signatures.map(async (one): Promise<ReviewedSignature> => {
      try {
        const [info, more] = parseSignerInfos(fromBase64(one.signer_info ?? ""));
        const administrator = facts?.administrators.find(({ ski }) => info && toHex(ski) === toHex(info.ski));
        const verified = info !== undefined && !more && administrator !== undefined && (await verifySignature(administrator, der, info));
        return { ski: info ? toHex(info.ski) : one.signer, name: administrator ? shownText(administrator.name) : shownText(latin(utf8(one.name))), verified };
      } catch {
        return { ski: one.signer, name: shownText(latin(utf8(one.name))), verified: false };
      }
    }),
  );
}

// `proposal` with its block, as GET of one gives it.
export async function review(proposal: Proposal, all: readonly UnitFacts[]): Promise<Review> {
  const der = fromBase64(proposal.block ?? "");
  const text = await describeBlock(der);
  const digest = toHex(await sha512(der));
  const facts = all.find(({ unit }) => unit.hsm_id === proposal.hsm_id);
  return {
    proposal,
    der,
    text,
    sha512: digest,
    contradictions: contradictionsOf(proposal, text, digest, facts),
    signatures: await signaturesOf(proposal, der, facts),
    facts,
    needed: facts ? signaturesNeeded(text.block, facts.attributes) : 0,
    before: facts ? commandsBefore(text.block, facts.moment) : null,
  };
}

// Verified signatures of different administrators.
export const countSignatures = (reviewed: Review): number => new Set(reviewed.signatures.filter(({ verified }) => verified).map(({ ski }) => ski)).size;

export const isSound = (reviewed: Review): boolean => reviewed.contradictions.length === 0 && reviewed.facts !== undefined && reviewed.text.understood;
export const canSend = (reviewed: Review): boolean => isSound(reviewed) && reviewed.before === 0 && countSignatures(reviewed) >= reviewed.needed;

// The same command with the same input, one for each unit: shown and signed together.
export function groupsOf(reviews: readonly Review[]): Review[][] {
  const groups = new Map<string, Review[]>();
  for (const one of reviews) {
    const key = `${one.text.command} ${one.proposal.note ?? ""} ${one.proposal.created_by} ${toHex(one.text.block.input)}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

// Commands that wait for signatures, as this page decodes and verifies them; what was sent or has lapsed, as the server
// tells it. With keys loaded (`work`) they are signed, sent and deleted here; else only shown.
import { Button, Tag } from "@carbon/react";
import { useEffect, useRef, useState } from "react";
import { listProposals, readProposal, type Proposal } from "../api/proposals";
import { Confirm } from "../components/Confirm";
import { useLoad } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { BlockWords, commandName } from "../crypto-units/BlockWords";
import { Failure } from "../crypto-units/Failure";
import { useBackOff } from "../crypto-units/polling";
import type { UnitFacts } from "../crypto-units/facts";
import { useT } from "../i18n";
import type { Signer } from "../tke/administrator";
import type { AttestationRoot } from "../tke/attestation";
import type { Bytes } from "../tke/bytes";
import { COMMAND } from "../tke/admin";
import { deleteProposals, missingSigners, sendProposals, signProposals } from "./actions";
import { SendErasingDialog } from "./EraseDialog";
import { receiverOf } from "./recovery";
import { KeyFirst } from "./Steps";
import { saveOffer } from "./TransferCommands";
import { canSend, countSignatures, groupsOf, review, type Review } from "./review";
import type { Work } from "./work";

const ENDED_SHOWN = 20;

interface Loaded {
  open: Proposal[];
  ended: Proposal[];
  // Of the component, when it was read.
  turn: number;
}

async function read(instance: string, turn: number, signal: AbortSignal): Promise<Loaded> {
  const all = await listProposals(instance, signal);
  const waiting = all.filter(({ state }) => state === "open" || state === "sending");
  const open = await Promise.all(waiting.map(({ id }) => readProposal(instance, id, signal)));
  return { open, ended: all.filter(({ state }) => state === "sent" || state === "lapsed").slice(0, ENDED_SHOWN), turn };
}

// What tells that something has changed.
export const fingerprint = ({ open, ended }: Omit<Loaded, "turn">): string => [...open, ...ended].map((one) => `${one.id} ${one.state} ${one.signatures.length}`).join("|");

interface ProposalsProps {
  instance: string;
  // With `work`: the pinned root of this deployment.
  root?: AttestationRoot;
  facts: readonly UnitFacts[];
  signers?: readonly Signer[];
  work?: Work;
  // Called when the proposals are not what they were: the units may have changed, too.
  onChange?: () => void;
  // Changes when the list should be read at once.
  turn?: number;
  // Told the commands of the proposals that wait.
  onWaiting?: (commands: number[]) => void;
}

export function Proposals({ instance, root, facts, signers = [], work, onChange, turn = 0, onWaiting }: ProposalsProps) {
  const t = useT();
  const loaded = useLoad(`proposals:${instance}`, (signal) => read(instance, turn, signal));
  const state = loaded.data ? fingerprint(loaded.data) : null;
  useBackOff(state, loaded.reload);
  const [reviews, setReviews] = useState<{ of: Loaded; reviews: Review[]; faults: unknown[] }>();
  const { reload, data } = loaded;
  useEffect(() => {
    if (turn > 0) reload();
  }, [turn, reload]);
  const before = useRef<string | null>(null);
  useEffect(() => {
    if (before.current !== null && state !== null && before.current !== state) onChange?.();
    before.current = state;
  }, [state, onChange]);
  useEffect(() => {
    if (!data) return;
    let wanted = true;
    void Promise.allSettled(data.open.map((one) => review(one, facts))).then((results) => {
      if (!wanted) return;
      setReviews({
        of: data,
        reviews: results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
        faults: results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : [])),
      });
    });
    return () => {
      wanted = false;
    };
  }, [data, facts]);

  useEffect(() => {
    if (reviews) onWaiting?.(reviews.reviews.map(({ text }) => text.block.command));
  }, [reviews, onWaiting]);

  // Work that has just ended may have changed the list, or a look at it came in between: half of a group must not be sent.
  const isStale = reviews?.of.turn !== turn;

  if (!data) return loaded.error ? <Failure error={loaded.error} onRetry={reload} /> : <Loading />;
  return (
    <Section title={t("proposals.title")}>
      <p>{t(work ? "proposals.intro" : "proposals.introServer")}</p>
      {reviews?.faults.map((fault, index) => <Failure key={index} error={fault} />)}
      {data.open.length === 0 && (
        <p className="kh-muted">
          {t("proposals.empty")}. {t("proposals.emptyMore")}
        </p>
      )}
      {groupsOf(reviews?.reviews ?? []).map((group) => (
        <Group key={group[0]!.proposal.id} instance={instance} root={root} group={group} facts={facts} signers={signers} work={work} isStale={isStale} />
      ))}
      {data.ended.length > 0 && <Ended proposals={data.ended} />}
    </Section>
  );
}

interface GroupProps {
  instance: string;
  root?: AttestationRoot;
  group: Review[];
  facts: readonly UnitFacts[];
  signers: readonly Signer[];
  work?: Work;
  isStale: boolean;
}

// What these take away may be what stored keys need.
const ERASING: number[] = [COMMAND.zeroize, COMMAND.clearCurrent];

function Group({ instance, root, group, facts, signers, work, isStale }: GroupProps) {
  const t = useT();
  const [asking, setAsking] = useState<"delete" | "send" | null>(null);
  const [first] = group;
  if (!first) return null;
  const { proposal, text } = first;
  const contradictions = group.flatMap((one) => one.contradictions);
  const lapsed = group.some(({ before, facts }) => facts && before === null);
  const command = commandName(t, text.command);
  // Somebody's frame is on its way: what became of it is seen soon.
  const isSending = group.some(({ proposal }) => proposal.state === "sending");
  const isBusy = isStale || isSending || (work !== undefined && work.busy !== null);
  const canSign = group.some((one) => missingSigners(one, signers).length > 0);
  // All whose turn it is: none is sent while another is still being signed.
  const due = group.filter(({ before }) => before === 0);
  const isReady = due.length > 0 && due.every(canSend);
  const send = (acceptKeyLoss: boolean) => {
    setAsking(null);
    const isOffer = text.block.command === COMMAND.offerTransfer && root;
    const answered = async () => (isOffer ? (_: Review, output: Bytes) => saveOffer(output, root, instance) : receiverOf(work!.ask, group, facts, signers));
    work?.run("send", async () => sendProposals(instance, group, work.tell, acceptKeyLoss, await answered()));
  };
  return (
    <section className="kh-proposal" aria-label={command} data-testid="proposal">
      <h3>
        {command} <Tag size="sm">{t("proposals.units", { count: group.length })}</Tag>
        {isSending && (
          <Tag size="sm" type="blue">
            {t("proposals.state.sending")}
          </Tag>
        )}
      </h3>
      <p className="kh-muted">
        {t("proposals.by")} <bdi>{proposal.created_by}</bdi> <Time value={proposal.created_at} />
      </p>
      {proposal.note && <p dir="auto">{proposal.note}</p>}
      {contradictions.length > 0 && <InlineNotice kind="error" role="alert" title={t("tke.error.contradiction")} subtitle={contradictions.join("; ")} />}
      {lapsed && <InlineNotice kind="warning" role="status" title={t("proposals.lapsed")} />}
      {group.map((one) => (
        <Signatures key={one.proposal.id} reviewed={one} />
      ))}
      <details>
        <summary>{t("proposals.words")}</summary>
        {group.map((one) => (
          <BlockWords key={one.sha512} text={one.text} sha512={one.sha512} unit={one.facts?.unit.location ?? one.proposal.hsm_id} />
        ))}
      </details>
      {work && (
        <p className="kh-page-actions">
          <Button size="sm" disabled={isBusy || !canSign || contradictions.length > 0 || lapsed} onClick={() => work.run("sign", () => signProposals(work.ask, instance, group, signers, work.tell))}>
            {t("proposals.sign")}
          </Button>
          <Button size="sm" kind="tertiary" disabled={isBusy || !isReady} onClick={() => (ERASING.includes(text.block.command) ? setAsking("send") : send(false))}>
            {t("proposals.send")}
          </Button>
          <Button size="sm" kind="danger--ghost" disabled={isBusy} onClick={() => setAsking("delete")}>
            {t("proposals.delete")}
          </Button>
          <KeyFirst signers={signers} />
        </p>
      )}
      {asking === "send" && <SendErasingDialog title={command} instance={instance} onSend={send} onClose={() => setAsking(null)} />}
      {asking === "delete" && (
        <Confirm
          title={`${t("proposals.delete")}: ${command}`}
          confirmLabel={t("proposals.delete")}
          danger
          work={() => deleteProposals(instance, group)}
          onClose={() => setAsking(null)}
          onDone={() => {
            setAsking(null);
            work?.run("delete", () => Promise.resolve());
          }}
        >
          <p>{t("proposals.deleteMore")}</p>
        </Confirm>
      )}
    </section>
  );
}

function Signatures({ reviewed }: { reviewed: Review }) {
  const t = useT();
  const { facts, proposal, signatures, needed, before } = reviewed;
  return (
    <p className="kh-tags">
      <code>{facts?.unit.location ?? proposal.hsm_id}</code>
      <Tag size="sm" type={countSignatures(reviewed) >= needed ? "green" : "blue"}>
        {t("proposals.signatures", { count: countSignatures(reviewed), needed })}
      </Tag>
      {signatures.map((one) => (
        <Tag key={one.ski} size="sm" type={one.verified ? "teal" : "red"}>
          {t(one.verified ? "proposals.verified" : "proposals.notVerified", { name: one.name })}
        </Tag>
      ))}
      {before !== null && before > 0 && <span>{t("proposals.before", { count: before })}</span>}
    </p>
  );
}

function Ended({ proposals }: { proposals: readonly Proposal[] }) {
  const t = useT();
  return (
    <details>
      <summary>{t("proposals.ended", { count: proposals.length })}</summary>
      <p className="kh-muted">{t("proposals.endedMore")}</p>
      <ul className="kh-list">
        {proposals.map((one) => (
          <li key={one.id}>
            {commandName(t, one.command)} · {t(`proposals.state.${one.state}`)} <Time value={one.ended_at} /> {one.result && <>· {one.result.accepted ? t("transcript.accepted") : one.result.meaning}</>} {one.cause}
          </li>
        ))}
      </ul>
    </details>
  );
}

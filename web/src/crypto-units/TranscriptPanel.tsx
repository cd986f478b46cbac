// The newest entries of the transcript, each with what this page could prove of it and what it could not.
import { Tag } from "@carbon/react";
import { readNewest } from "../api/transcript";
import { EmptyState } from "../components/EmptyState";
import { useLoad } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useIsLocal } from "../shell/session";
import { shownText } from "../tke/block-text";
import { meaningOf } from "../tke/codes";
import { TranscriptReader, type CheckedEntry } from "../tke/transcript";
import { commandName } from "./BlockWords";
import { Failure } from "./Failure";
import { allAdministrators } from "./facts";
import type { UnitsState } from "./useUnits";
import { WholeCheck } from "./WholeCheck";

const SHOWN = 100;

async function readChecked(instance: string, state: UnitsState, signal: AbortSignal) {
  const transcript = await readNewest(instance, SHOWN, signal);
  const reader = new TranscriptReader(instance, state.root, allAdministrators(state.facts));
  const entries = [];
  for (const entry of transcript.entries) entries.push({ entry, checked: await reader.read(entry) });
  return { ...transcript, entries: entries.reverse() };
}

export function TranscriptPanel({ instance, state }: { instance: string; state: UnitsState }) {
  const t = useT();
  const isLocal = useIsLocal();
  const loaded = useLoad(`transcript:${instance}`, (signal) => readChecked(instance, state, signal));
  if (!loaded.data) return loaded.error ? <Failure error={loaded.error} onRetry={loaded.reload} /> : <Loading />;
  const { entries, last } = loaded.data;
  if (entries.length === 0) return <EmptyState title={t("transcript.empty")} text={t("transcript.emptyMore")} />;
  const broken = entries.filter(({ checked }) => !isSound(checked)).length;
  return (
    <>
      <p>{t("transcript.intro", { shown: entries.length, last })}</p>
      <p>{t(isLocal ? "transcript.provedLocal" : "transcript.provedServer")}</p>
      <p className="kh-muted">{t("transcript.notProved")}</p>
      <WholeCheck instance={instance} state={state} />
      {broken > 0 && <InlineNotice kind="error" role="alert" title={t("transcript.broken", { count: broken })} subtitle={t("transcript.brokenMore")} />}
      <ol className="kh-entries" data-testid="transcript">
        {entries.map(({ entry, checked }) => (
          <li key={entry.sequence}>
            <p>
              <span className="kh-muted">{entry.sequence}</span> <strong>{commandName(t, checked.command || entry.command || "")}</strong> <code>{entry.location}</code> <Time value={entry.time} />
            </p>
            <p className="kh-tags">
              <Proofs checked={checked} />
            </p>
            <p className="kh-muted">
              {t("transcript.sentBy")} <bdi>{entry.caller}</bdi>
              {checked.accepted === false && ` · ${meaningOf(checked.returnCode, checked.reasonCode)} (${checked.returnCode}/${checked.reasonCode})`}
            </p>
          </li>
        ))}
      </ol>
    </>
  );
}

export const isSound = (checked: CheckedEntry): boolean =>
  checked.chain === "verified" && checked.unit !== "false" && checked.signers.every(({ state }) => state !== "false" || checked.accepted === false);

function Proofs({ checked }: { checked: CheckedEntry }) {
  const t = useT();
  const look = { verified: "green", broken: "red", false: "red", unsigned: "gray", none: "warm-gray", unknown: "warm-gray" } as const;
  return (
    <>
      {checked.accepted === true && <Tag size="sm" type="green">{t("transcript.accepted")}</Tag>}
      {checked.accepted === false && <Tag size="sm" type="warm-gray">{t("transcript.refused")}</Tag>}
      <Tag size="sm" type={look[checked.chain]}>
        {t(`transcript.chain.${checked.chain}`)}
      </Tag>
      <Tag size="sm" type={look[checked.unit]}>
        {t(`transcript.unit.${checked.unit}`)}
      </Tag>
      {checked.signers.map((signer) => (
        <Tag key={signer.ski} size="sm" type={look[signer.state]}>
          {t(`transcript.signer.${signer.state}`, { name: signer.name ? shownText(signer.name) : signer.ski.slice(0, 16) })}
        </Tag>
      ))}
    </>
  );
}

// How far a migration is, from its journal, looked at again while it goes on.
import { useMemo, useState } from "react";
import { STATES, type KeyState, type KeyStatus, type Plan, type Run, type Status } from "../api/migration";
import type { Column } from "../components/DataTable";
import { ErrorNotice } from "../components/ErrorNotice";
import type { Loaded } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Section } from "../components/Page";
import { Loading, Progress } from "../components/Progress";
import { useT, type TextKey } from "../i18n";
import { KeyDetails } from "./KeyDetails";
import { KeyTable, type Choice } from "./KeyTable";
import { cutoverTitle, Figures, StateTag } from "./parts";
import { isInState, progressOf, verdictOf } from "./rules";

export function ProgressTab({ status, plan }: { status: Loaded<Status>; plan: Plan | null }) {
  const { data } = status;
  if (!data) return status.loading ? <Loading /> : <ErrorNotice error={status.error} onRetry={status.reload} />;
  return (
    <>
      <ErrorNotice error={status.error} onRetry={status.reload} />
      <Totals totals={data.totals} />
      <Keys keys={data.keys} plan={plan} />
      <Verdict verify={data.verify} />
      {data.verify && <Last title="migration.lastVerify" run={data.verify} />}
      {data.rewrap && <Last title="migration.lastRewrap" run={data.rewrap} />}
      {data.cutover && <Last title={cutoverTitle(data.cutover)} run={data.cutover} />}
    </>
  );
}

function Totals({ totals }: { totals: Status["totals"] }) {
  const t = useT();
  const { done, total } = progressOf(totals);
  return (
    <Section title={t("migration.tab.progress")}>
      <p>{t("migration.fromJournal")}</p>
      <Progress label={t("migration.carried")} done={done} total={total} />
      <p role="status" data-testid="migration-totals" className="kh-tags">
        {STATES.map((state) => (
          <StateTag key={state} state={state} count={totals[state] ?? 0} />
        ))}
      </p>
      {(totals.blocked ?? 0) > 0 && <InlineNotice kind="warning" role="status" title={t("migration.someBlocked")} subtitle={t("migration.someBlockedMore")} />}
      {(totals.failed ?? 0) > 0 && <InlineNotice kind="error" role="status" title={t("migration.someFailed")} subtitle={t("migration.someFailedMore")} />}
    </Section>
  );
}

const BY_STATE: Choice<KeyStatus> = { query: "state", label: "common.state", values: STATES, nameOf: (state) => `migration.state.${state as KeyState}`, isShown: isInState };

function Keys({ keys, plan }: { keys: KeyStatus[]; plan: Plan | null }) {
  const t = useT();
  const [open, setOpen] = useState<string | null>(null);
  const columns = useMemo<Column<KeyStatus>[]>(
    () => [
      { key: "state", header: t("common.state"), width: 130, stacked: true, cell: (row) => <StateTag state={row.state} /> },
      { key: "deks", header: t("migration.deks"), width: 140, cell: (row) => row.deks.toLocaleString() },
      { key: "why", header: t("migration.remarks"), width: 320, cell: (row) => <span dir="auto">{row.why || row.open.join(", ") || "–"}</span> },
    ],
    [t],
  );
  const more = useMemo<Column<KeyStatus>[]>(
    () => [
      { key: "target", header: t("migration.targetKey"), width: 330, cell: (row) => <code>{row.target || "–"}</code> },
      { key: "disabled", header: t("migration.sourceDisabled"), width: 190, hidden: true, cell: (row) => t(row.source_disabled ? "common.yes" : "common.no") },
      { key: "intent", header: t("migration.intent"), width: 190, hidden: true, cell: (row) => t(row.intent ? "common.yes" : "common.no") },
    ],
    [t],
  );
  const opened = keys.find((key) => key.source === open);
  return (
    <>
      <KeyTable name="progress" keys={keys} columns={columns} more={more} choice={BY_STATE} onOpen={setOpen} />
      {opened && <KeyDetails status={opened} planned={plan?.keys.find((key) => key.source === opened.source)} onClose={() => setOpen(null)} />}
    </>
  );
}

const VERDICTS = { none: "info", different: "error", partly: "warning", equal: "success" } as const;

function Verdict({ verify }: { verify: Run | null }) {
  const t = useT();
  const verdict = verdictOf(verify);
  return (
    <Section title={t("migration.verification")}>
      <InlineNotice kind={VERDICTS[verdict]} role="status" title={t(`migration.verdict.${verdict}`)} subtitle={t("migration.verdictMore")} />
    </Section>
  );
}

function Last({ title, run }: { title: TextKey; run: Run }) {
  const t = useT();
  return (
    <Section title={t(title)}>
      <Figures run={run} />
    </Section>
  );
}

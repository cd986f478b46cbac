// A plan to review: what will be done with each key, what is lost, what stops it, what its owner must supply; and the text.
import { useMemo, useState } from "react";
import { ACTIONS, type Plan, type PlanFile, type PlannedKey } from "../api/migration";
import { CopyableText, CopyButton } from "../components/CopyButton";
import type { Column } from "../components/DataTable";
import { ErrorNotice } from "../components/ErrorNotice";
import type { Loaded } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Fact, Facts, Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { actionText, KeyDetails, supplyText } from "./KeyDetails";
import { KeyTable, type Choice } from "./KeyTable";
import { Named } from "./parts";
import { CONCERNS, concerns } from "./rules";

export function PlanTab({ file }: { file: Loaded<PlanFile> }) {
  const t = useT();
  const { data } = file;
  if (!data) return file.loading ? <Loading /> : <ErrorNotice error={file.error} onRetry={file.reload} />;
  return (
    <>
      <ErrorNotice error={file.error} onRetry={file.reload} />
      {data.plan ? (
        <>
          <Outline plan={data.plan} />
          <Keys keys={data.plan.keys} />
        </>
      ) : (
        <InlineNotice kind="warning" role="status" title={t("migration.unreadable")}>
          <p>{data.mistake}</p>
          <p>{t("migration.unreadableMore")}</p>
        </InlineNotice>
      )}
      <Text name={data.name} text={data.text} />
    </>
  );
}

function Outline({ plan }: { plan: Plan }) {
  const t = useT();
  const wait = plan.seconds_of_imports;
  const count = (action: string) => plan.keys.filter((key) => key.action === action).length;
  return (
    <Section title={t("migration.tab.plan")}>
      <p>{t("migration.planMore")}</p>
      <Facts>
        <Fact name={t("migration.planId")}>
          <CopyableText value={plan.id} what={t("migration.planId")} />
        </Fact>
        <Fact name={t("migration.made")}>
          <Time value={plan.made} />
        </Fact>
        <Fact name={t("migration.source")}>
          <bdi>{plan.source.url}</bdi> <code>{plan.source.instance}</code>
        </Fact>
        <Fact name={t("migration.target")}>
          <bdi>{plan.target.url}</bdi> <code>{plan.target.instance}</code>
        </Fact>
        {ACTIONS.filter((action) => count(action) > 0).map((action) => (
          <Fact key={action} name={t(`migration.action.${action}`)}>
            {count(action).toLocaleString()}
          </Fact>
        ))}
        {wait > 0 && <Fact name={t("migration.wait")}>{t("migration.hours", { hours: (wait / 3600).toLocaleString(undefined, { maximumFractionDigits: 1 }) })}</Fact>}
      </Facts>
      <Named title={t("migration.rings")} all={plan.key_rings} />
      <Named title={t("migration.policies")} all={plan.instance_policies} />
      <Named title={t("migration.tables")} all={plan.tables} />
      <Named title={t("migration.lostOfInstance")} all={plan.lost} />
      <Named title={t("migration.unknown")} all={plan.unknown_keys} />
    </Section>
  );
}

const BY_CONCERN: Choice<PlannedKey> = { query: "show", label: "migration.show", values: CONCERNS, nameOf: (what) => `migration.show.${what as (typeof CONCERNS)[number]}`, isShown: concerns };

function Keys({ keys }: { keys: PlannedKey[] }) {
  const t = useT();
  const [open, setOpen] = useState<string | null>(null);
  const columns = useMemo<Column<PlannedKey>[]>(
    () => [
      { key: "action", header: t("migration.action"), width: 300, cell: (row) => actionText(row, t) },
      { key: "blocked", header: t("migration.state.blocked"), width: 280, cell: (row) => <span dir="auto">{row.action === "blocked" ? row.blocked : "–"}</span> },
      { key: "lost", header: t("migration.lost"), width: 280, cell: (row) => <span dir="auto">{row.lost.join("; ") || "–"}</span> },
      { key: "supply", header: t("migration.mustSupply"), width: 280, cell: (row) => supplyText(row, t) || "–" },
      { key: "deks", header: t("migration.deks"), width: 140, cell: (row) => row.deks.toLocaleString() },
    ],
    [t],
  );
  const opened = keys.find((key) => key.source === open);
  return (
    <>
      <KeyTable name="plan" keys={keys} columns={columns} choice={BY_CONCERN} onOpen={setOpen} />
      {opened && <KeyDetails planned={opened} onClose={() => setOpen(null)} />}
    </>
  );
}

// A plan of 50,000 keys has a million lines; a browser does not lay those out.
const MAX_LINES = 2000;

function Text({ name, text }: { name: string; text: string }) {
  const t = useT();
  const lines = useMemo(() => text.split("\n"), [text]);
  const isCut = lines.length > MAX_LINES + 1;
  return (
    <Section title={t("migration.text")} actions={<CopyButton value={text} what={name} />}>
      <p>{t("migration.textMore")}</p>
      {isCut && <p>{t("migration.textCut", { lines: MAX_LINES.toLocaleString(), total: lines.length.toLocaleString() })}</p>}
      <pre tabIndex={0} role="region" aria-label={name} data-testid="plan-text" style={{ maxBlockSize: "30rem", overflowY: "auto" }}>
        {isCut ? lines.slice(0, MAX_LINES).join("\n") : text}
      </pre>
    </Section>
  );
}

// A plan to review: what will be done with each key, what is lost, what stops it, what its owner must supply; and the text.
import { InlineNotification, Select, SelectItem } from "@carbon/react";
import { useMemo, useState } from "react";
import { CopyableText, CopyButton } from "../components/CopyButton";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import type { Loaded } from "../components/load";
import { Fact, Facts, Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useQuery } from "../shell/router";
import { actionText, KeyDetails, supplyText } from "./KeyDetails";
import { ClearFilters, SearchField, Subheading, Texts } from "./parts";
import { ACTIONS, secondsOfImports, type Plan, type PlannedKey } from "./plan";
import { filterPlan } from "./rules";

interface PlanTabProps {
  name: string;
  text: Loaded<string>;
  // Null: the text is in a form that this page does not read.
  plan: Plan | null | undefined;
}

export function PlanTab({ name, text, plan }: PlanTabProps) {
  const t = useT();
  if (text.data === undefined) return text.loading ? <Loading /> : <ErrorNotice error={text.error} onRetry={text.reload} />;
  return (
    <>
      <ErrorNotice error={text.error} onRetry={text.reload} />
      {plan ? (
        <>
          <Outline plan={plan} />
          <Keys keys={plan.keys} />
        </>
      ) : (
        <InlineNotification className="kh-notice" kind="warning" lowContrast hideCloseButton role="status" title={t("migration.unreadable")} subtitle={t("migration.unreadableMore")} />
      )}
      <Text name={name} text={text.data} />
    </>
  );
}

function Outline({ plan }: { plan: Plan }) {
  const t = useT();
  const wait = secondsOfImports(plan);
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
      <Named title={t("migration.rings")} all={plan.rings} />
      <Named title={t("migration.policies")} all={plan.policies} />
      <Named title={t("migration.tables")} all={plan.tables} />
      <Named title={t("migration.lostOfInstance")} all={plan.lost} />
      <Named title={t("migration.unknown")} all={plan.unknown} />
    </Section>
  );
}

export function Named({ title, all }: { title: string; all: readonly string[] }) {
  if (all.length === 0) return null;
  return (
    <>
      <Subheading text={title} />
      <Texts all={all} />
    </>
  );
}

const SHOWN = ["blocked", "lost", "supply"] as const;

function Keys({ keys }: { keys: PlannedKey[] }) {
  const t = useT();
  const [query, setQuery] = useQuery();
  const [open, setOpen] = useState<PlannedKey | null>(null);
  const [show, search] = [query.get("show") ?? "", query.get("search") ?? ""];
  const shown = useMemo(() => filterPlan(keys, show, search), [keys, show, search]);
  const rows = useLocalRows(shown);
  const columns = useMemo<Column<PlannedKey>[]>(
    () => [
      {
        key: "name",
        header: t("common.name"),
        width: 260,
        cell: (row) => (
          <button type="button" className="cds--link kh-link-button" dir="auto" onClick={() => setOpen(row)}>
            {row.name || row.source}
          </button>
        ),
      },
      { key: "action", header: t("migration.action"), width: 300, cell: (row) => actionText(row, t) },
      { key: "blocked", header: t("migration.state.blocked"), width: 280, cell: (row) => <span dir="auto">{row.action === "blocked" ? row.blocked : "–"}</span> },
      { key: "lost", header: t("migration.lost"), width: 280, cell: (row) => <span dir="auto">{row.lost.join("; ") || "–"}</span> },
      { key: "supply", header: t("migration.mustSupply"), width: 280, cell: (row) => supplyText(row, t) || "–" },
      { key: "deks", header: t("migration.deks"), width: 140, cell: (row) => row.deks.toLocaleString() },
      { key: "source", header: t("migration.sourceKey"), width: 330, cell: (row) => <code>{row.source}</code> },
    ],
    [t],
  );
  return (
    <Section title={t("nav.keys")}>
      <DataTable
        name="migration-plan"
        label={t("nav.keys")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.source}
        empty={keys.length === 0 ? <EmptyState title={t("migration.noKeys")} /> : <EmptyState title={t("migration.noMatch")} />}
        toolbar={
          <>
            <SearchField value={search} onChange={(value) => setQuery({ search: value })} />
            <Select id="migration-show" labelText={t("migration.show")} value={show} onChange={(event) => setQuery({ show: event.target.value })}>
              <SelectItem value="" text={t("keys.all")} />
              {SHOWN.map((one) => (
                <SelectItem key={one} value={one} text={t(`migration.show.${one}`)} />
              ))}
            </Select>
            {(show || search) && <ClearFilters onClear={() => setQuery({ show: "", search: "" })} />}
          </>
        }
      />
      {open && <KeyDetails planned={open} onClose={() => setOpen(null)} />}
    </Section>
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

// What a migration is, the commands that make one, and what the server itself knows of one.
import { useMemo } from "react";
import { listInstances, type Instance } from "../api/instances";
import { listAllRegistrations } from "../api/keys";
import { Command } from "../components/Command";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { useLoad } from "../components/load";
import { Section } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { useT } from "../i18n";
import { RouteLink } from "../shell/router";
import { useSession } from "../shell/session";

const STEPS = [
  { text: "migration.step.plan", command: "keyhaven migrate plan --source-instance SOURCE --target-instance TARGET --inventory deks.csv --material material.csv --out plan.yaml" },
  { text: "migration.step.apply", command: "keyhaven migrate apply plan.yaml --material material.csv" },
  { text: "migration.step.rewrap", command: "keyhaven migrate rewrap plan.yaml --inventory deks.csv --out deks-new.csv" },
  { text: "migration.step.verify", command: "keyhaven migrate verify plan.yaml --inventory deks.csv --rewrapped deks-new.csv --json result.json" },
  { text: "migration.step.cutover", command: "keyhaven migrate cutover plan.yaml --mapping old-to-new.csv --disable-source" },
  { text: "migration.step.report", command: "keyhaven migrate report plan.yaml --out report.html --json-out report.json" },
] as const;

export function HowTo() {
  const t = useT();
  const { environment } = useSession();
  return (
    <>
      <Section title={t("migration.what")}>
        <p>{t("migration.whatMore")}</p>
        <p>{t("migration.where")}</p>
      </Section>
      <Section title={t("migration.watch")}>
        <p>{t("migration.watchMore")}</p>
        <Command text={`keyhaven console --migration DIR --url ${environment.server}`} />
      </Section>
      <Section title={t("migration.steps")}>
        <ol className="kh-steps">
          {STEPS.map(({ text, command }) => (
            <li key={text}>
              <p>{t(text)}</p>
              <Command text={command} />
            </li>
          ))}
        </ol>
        <p>{t("migration.intents")}</p>
        <Command text="keyhaven migrate status plan.yaml --live" />
      </Section>
      <Instances />
    </>
  );
}

// Which instances still have services registered: what a source must lose before it ends.
function Instances() {
  const t = useT();
  const loaded = useLoad("instances", listInstances);
  const rows = useLocalRows(loaded.data, loaded.error, loaded.reload);
  const columns = useMemo<Column<Instance>[]>(
    () => [
      { key: "name", header: t("common.name"), width: 240, cell: (row) => <RouteLink to={`/instances/${row.guid}`} dir="auto" title={row.name}>{row.name}</RouteLink> },
      { key: "left", header: t("migration.registered"), width: 220, cell: (row) => <Registered guid={row.guid} /> },
      { key: "transfers", header: t("transfers.title"), width: 220, cell: (row) => <RouteLink to={`/instances/${row.guid}/transfers`} aria-label={t("migration.transfersOf", { name: row.name })}>{t("migration.open")}</RouteLink> },
      { key: "id", header: t("common.id"), width: 340, cell: (row) => <code>{row.guid}</code> },
    ],
    [t],
  );
  return (
    <Section title={t("migration.here")}>
      <p>{t("migration.hereMore")}</p>
      <DataTable name="migration-instances" label={t("migration.here")} columns={columns} rows={rows} rowKey={(row) => row.guid} empty={<EmptyState title={t("instances.empty")} text={t("instances.emptyMore")} />} />
    </Section>
  );
}

// Asked for each row in view: one registration, for the sake of the total beside it.
function Registered({ guid }: { guid: string }) {
  const t = useT();
  const loaded = useLoad(`registered:${guid}`, (signal) => listAllRegistrations(guid, undefined, 0, 1, signal));
  if (loaded.loading) return <span className="kh-skeleton" />;
  if (!loaded.data) return <span className="kh-muted">{t("migration.notShown")}</span>;
  return <RouteLink to={`/instances/${guid}/resources`}>{t("migration.services", { count: loaded.data.total.toLocaleString() })}</RouteLink>;
}

// The migrations of a directory: which one, and its three sides: progress, plan, report. What is chosen is in the URL.
import { Button, Select, SelectItem, Tab, TabList, TabPanel, TabPanels, Tabs } from "@carbon/react";
import type { ReactNode } from "react";
import { listMigrations, readPlan, readReport, readStatus } from "../api/migration";
import { EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew } from "../components/icons";
import { useLoad } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Page } from "../components/Page";
import { Loading } from "../components/Progress";
import { useBackOff } from "../crypto-units/polling";
import { useT } from "../i18n";
import { useQuery } from "../shell/router";
import { HowTo } from "./HowTo";
import { PlanTab } from "./PlanTab";
import { ProgressTab } from "./ProgressTab";
import { ReportTab } from "./ReportTab";

export function LocalMigrations() {
  const t = useT();
  const [query, setQuery] = useQuery();
  const names = useLoad("migrations", listMigrations);
  const all = names.data ?? [];
  const asked = query.get("plan") ?? "";
  const chosen = all.includes(asked) ? asked : asked === "" ? all[0] : undefined;
  const chooser = (
    <Select id="migration-plan" labelText={t("migration.plan")} value={chosen ?? ""} onChange={(event) => setQuery({ plan: event.target.value, state: "", show: "", search: "" })}>
      {chosen === undefined && <SelectItem value="" text="–" />}
      {all.map((name) => (
        <SelectItem key={name} value={name} text={name} />
      ))}
    </Select>
  );
  return (
    <Page
      title={t("migration.title")}
      intro={t("migration.readOnly")}
      actions={
        <Button kind="ghost" renderIcon={Renew} onClick={names.reload}>
          {t("migration.lookAgain")}
        </Button>
      }
    >
      <ErrorNotice error={names.error} onRetry={names.reload} />
      {names.loading && <Loading />}
      {names.data && all.length === 0 && (
        <>
          <EmptyState title={t("migration.empty")} text={t("migration.emptyMore")} />
          <HowTo />
        </>
      )}
      {all.length > 0 && chosen === undefined && (
        <>
          {chooser}
          <InlineNotice kind="warning" role="status" title={t("migration.noPlan", { name: asked })} />
        </>
      )}
      {chosen !== undefined && (
        <Migration key={chosen} name={chosen}>
          {chooser}
        </Migration>
      )}
    </Page>
  );
}

const TABS = ["progress", "plan", "report"] as const;

function Migration({ name, children }: { name: string; children: ReactNode }) {
  const t = useT();
  const [query, setQuery] = useQuery();
  const selected = Math.max(0, TABS.findIndex((one) => one === query.get("tab")));
  const status = useLoad(`migration-status:${name}`, (signal) => readStatus(name, signal));
  const file = useLoad(`migration-plan:${name}`, (signal) => readPlan(name, signal));
  // Looked for among all files of the directory, so only when it is wanted.
  const report = useLoad(selected === 2 ? `migration-report:${name}` : null, (signal) => readReport(name, signal));
  // The figures say whether something has changed; the keys' names need not be compared.
  const seen = status.data ? JSON.stringify([status.data.totals, status.data.rewrap, status.data.verify, status.data.cutover]) : null;
  useBackOff(selected === 0 ? seen : null, status.reload);
  const reload = () => {
    if (selected === 0) status.reload();
    file.reload();
    if (selected === 2) report.reload();
  };
  return (
    <>
      <div className="kh-toolbar">
        {children}
        <Button kind="ghost" renderIcon={Renew} onClick={reload}>
          {t("action.refresh")}
        </Button>
      </div>
      <Tabs selectedIndex={selected} onChange={({ selectedIndex }) => setQuery({ tab: selectedIndex === 0 ? "" : (TABS[selectedIndex] ?? ""), state: "", show: "", search: "" })}>
        <TabList aria-label={t("migration.title")}>
          {TABS.map((tab) => (
            <Tab key={tab}>{t(`migration.tab.${tab}`)}</Tab>
          ))}
        </TabList>
        <TabPanels>
          <TabPanel>{selected === 0 && <ProgressTab status={status} plan={file.data?.plan ?? null} />}</TabPanel>
          <TabPanel>{selected === 1 && <PlanTab file={file} />}</TabPanel>
          <TabPanel>{selected === 2 && <ReportTab report={report} planText={file.data?.text} />}</TabPanel>
        </TabPanels>
      </Tabs>
    </>
  );
}

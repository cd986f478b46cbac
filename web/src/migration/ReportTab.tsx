// The newest report: its result, its figures, what recorded it, and how anybody checks it without this page.
import type { Report, ReportFile } from "../api/migration";
import { Command } from "../components/Command";
import { CopyableText } from "../components/CopyButton";
import { EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { useLoad, type Loaded } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Fact, Facts, Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { cutoverTitle, Figures, Named, Subheading, Texts } from "./parts";
import { recordOf, sha256Of } from "./rules";

interface ReportTabProps {
  report: Loaded<ReportFile | null>;
  planText: string | undefined;
}

export function ReportTab({ report, planText }: ReportTabProps) {
  const t = useT();
  if (report.data === undefined) return report.loading ? <Loading /> : <ErrorNotice error={report.error} onRetry={report.reload} />;
  if (report.data === null) {
    return (
      <>
        <ErrorNotice error={report.error} onRetry={report.reload} />
        <EmptyState title={t("migration.noReport")} text={t("migration.noReportMore")} />
        <Command text="keyhaven migrate report plan.yaml --out report.html --json-out report.json" />
      </>
    );
  }
  return (
    <>
      <ErrorNotice error={report.error} onRetry={report.reload} />
      <Result report={report.data.report} planText={planText} />
      <Receipt file={report.data} />
      <Check />
    </>
  );
}

function Result({ report, planText }: { report: Report; planText: string | undefined }) {
  const t = useT();
  const isVerified = report.result === "verified";
  const hash = useLoad(planText === undefined ? null : `plan:${planText}`, () => sha256Of(planText ?? ""));
  return (
    <Section title={t("migration.tab.report")}>
      <InlineNotice kind={isVerified ? "success" : "warning"} role="status" title={t(isVerified ? "migration.isVerified" : "migration.isIncomplete")} />
      <Named title={t("migration.lacking")} all={report.why} />
      {hash.data !== undefined && hash.data !== report.plan.sha256 && <InlineNotice kind="warning" role="status" title={t("migration.planChanged")} subtitle={t("migration.planChangedMore")} />}
      <Facts>
        <Fact name={t("migration.made")}>
          <Time value={report.made} />
        </Fact>
        <Fact name={t("migration.madeBy")}>
          <bdi>{report.made_by || "–"}</bdi>
        </Fact>
        <Fact name={t("migration.tool")}>
          <bdi>{`${report.tool.name} ${report.tool.version}`}</bdi>
        </Fact>
        <Fact name={t("migration.source")}>
          <bdi>{report.source.url}</bdi> <code>{report.source.instance}</code>
        </Fact>
        <Fact name={t("migration.target")}>
          <bdi>{report.target.url}</bdi> <code>{report.target.instance}</code>
        </Fact>
        <Fact name={t("migration.planHash")}>
          <CopyableText value={report.plan.sha256} what={t("migration.planHash")} />
        </Fact>
        <Fact name={t("migration.journalHash")}>
          <CopyableText value={report.journal.sha256} what={t("migration.journalHash")} />
        </Fact>
      </Facts>
      <Subheading text={t("migration.figures")} />
      <Figures run={report.totals} />
      <Subheading text={t("migration.lastVerify")} />
      {report.verify ? <Figures run={report.verify} /> : <p>{t("migration.verdict.none")}</p>}
      {report.rewrap && (
        <>
          <Subheading text={t("migration.lastRewrap")} />
          <Figures run={report.rewrap} />
        </>
      )}
      {report.cutover && (
        <>
          <Subheading text={t(cutoverTitle(report.cutover))} />
          <Figures run={report.cutover} />
        </>
      )}
      <Named title={t("migration.lostOfInstance")} all={report.lost} />
      <Named title={t("migration.unknown")} all={report.unknown_keys} />
    </Section>
  );
}

function Receipt({ file }: { file: ReportFile }) {
  const t = useT();
  const record = recordOf(file);
  return (
    <Section title={t("migration.receipt")}>
      {file.receipt === null ? (
        <p>{t("migration.noReceipt")}</p>
      ) : record === null ? (
        <InlineNotice kind="error" role="status" title={t("migration.badReceipt")} />
      ) : (
        <>
          <p>{t("migration.receiptMore")}</p>
          <Facts>
            <Fact name={t("migration.reportHash")}>
              <CopyableText value={record.reportHash} what={t("migration.reportHash")} />
            </Fact>
            <Fact name={t("migration.recorded")}>
              <Time value={record.time} /> <bdi>{record.by}</bdi>
            </Fact>
            <Fact name={t("migration.recordHash")}>
              <CopyableText value={record.hash} what={t("migration.recordHash")} />
            </Fact>
            <Fact name={t("audit.publicKey")}>
              <CopyableText value={file.receipt.public_key} what={t("audit.publicKey")} />
            </Fact>
          </Facts>
          <details>
            <summary>{t("migration.lines")}</summary>
            <Texts all={[file.receipt.record, file.receipt.checkpoint]} />
          </details>
        </>
      )}
    </Section>
  );
}

function Check() {
  const t = useT();
  return (
    <Section title={t("migration.check")}>
      <p>{t("migration.checkMore")}</p>
      <Command text="keyhaven migrate report --check report.html --audit-key KEY" />
      <p>{t("migration.checkKey")}</p>
      <Command text="keyhaven audit public-key" />
    </Section>
  );
}

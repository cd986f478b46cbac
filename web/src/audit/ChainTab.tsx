// What the server says of its chains, its check of them, and why that is not enough for whoever distrusts it.
import { Button } from "@carbon/react";
import { useMemo } from "react";
import { readAuditStatus, signCheckpoint, startAuditCheck, type AuditStatus, type AuditStream } from "../api/audit";
import { Command } from "../components/Command";
import { CopyableText } from "../components/CopyButton";
import { DataTable, type Column } from "../components/DataTable";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew } from "../components/icons";
import { useAction, useLoad, usePolling } from "../components/load";
import { InlineNotice, useNotify } from "../components/notices";
import { Fact, Facts, Section } from "../components/Page";
import { Progress } from "../components/Progress";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";

const DIRECTORY = "/var/lib/keyhaven/server/audit";
const POLL_MS = 1000;

export function ChainTab({ publicKey }: { publicKey: string }) {
  const t = useT();
  const notify = useNotify();
  const status = useLoad("audit-status", readAuditStatus);
  const checkpoint = useAction(signCheckpoint, () => {
    notify(t("audit.checkpointDone"));
    status.reload();
  });
  const check = useAction(startAuditCheck, status.reload);
  const isRunning = status.data?.check.state === "running";
  usePolling(isRunning ? POLL_MS : null, status.reload);
  return (
    <>
      <Section
        title={t("audit.state")}
        actions={
          <div className="kh-page-actions">
            <Button kind="ghost" size="sm" renderIcon={Renew} onClick={status.reload}>
              {t("action.refresh")}
            </Button>
            <Button kind="tertiary" size="sm" disabled={checkpoint.busy || !status.data} onClick={checkpoint.run}>
              {t("audit.checkpoint")}
            </Button>
          </div>
        }
      >
        <p>{t("audit.stateMore")}</p>
        <ErrorNotice error={status.error} onRetry={status.reload} />
        <ErrorNotice error={checkpoint.error} />
        {status.data && <State status={status.data} publicKey={publicKey} />}
      </Section>
      <Section
        title={t("audit.check")}
        actions={
          <Button kind="primary" size="sm" disabled={check.busy || isRunning || !status.data} onClick={check.run}>
            {t("audit.checkNow")}
          </Button>
        }
      >
        <p>{t("audit.checkMore")}</p>
        <ErrorNotice error={check.error} />
        {status.data && <Check check={status.data.check} />}
      </Section>
      <Section title={t("audit.self")}>
        <p>{t("audit.selfMore")}</p>
        <Command text={`keyhaven audit verify --log ${DIRECTORY} --public-key ${publicKey || "AUDIT_KEY"}`} />
        <p>{t("audit.selfKey")}</p>
      </Section>
    </>
  );
}

function State({ status, publicKey }: { status: AuditStatus; publicKey: string }) {
  const t = useT();
  return (
    <>
      <Facts>
        <Fact name={t("audit.writing")}>
          <span dir="auto">{status.health === "ok" ? t("audit.writes") : status.health}</span>
        </Fact>
        <Fact name={t("audit.newest")}>
          <Time value={status.sealed_at} exact />
        </Fact>
        <Fact name={t("audit.after")}>{status.unsealed_records.toLocaleString()}</Fact>
        <Fact name={t("audit.publicKey")}>{publicKey ? <CopyableText value={publicKey} what={t("audit.publicKey")} /> : "–"}</Fact>
      </Facts>
      <Streams streams={status.streams} />
    </>
  );
}

function Streams({ streams }: { streams: AuditStream[] }) {
  const t = useT();
  const rows = useLocalRows(streams);
  const columns = useMemo<Column<AuditStream>[]>(
    () => [
      { key: "stream", header: t("audit.stream"), width: 160, cell: ({ stream }) => stream },
      { key: "seq", header: t("audit.records"), width: 130, cell: ({ seq }) => seq.toLocaleString() },
      { key: "sealed", header: t("audit.signedUpTo"), width: 150, cell: ({ sealed_seq }) => sealed_seq?.toLocaleString() ?? "–" },
      { key: "segments", header: t("audit.segments"), width: 120, cell: ({ segments }) => segments.toLocaleString() },
      { key: "bytes", header: t("audit.bytes"), width: 160, cell: ({ bytes }) => bytes.toLocaleString() },
      { key: "hash", header: t("audit.hash"), width: 640, cell: ({ hash }) => <code>{hash}</code> },
    ],
    [t],
  );
  return <DataTable name="audit-streams" label={t("audit.streams")} columns={columns} rows={rows} rowKey={({ stream }) => stream} empty={null} />;
}

const mib = (bytes = 0) => Math.ceil(bytes / (1024 * 1024));

function Check({ check }: { check: AuditStatus["check"] }) {
  const t = useT();
  if (check.state === "none") return <p>{t("audit.checkNone")}</p>;
  if (check.state === "running") return <Progress label={t("audit.checkRuns")} done={Math.min(mib(check.bytes_read), mib(check.bytes_total))} total={mib(check.bytes_total)} />;
  const { result } = check;
  if (!result)
    return (
      <InlineNotice kind="error" role="alert" title={t("audit.checkFailed")}>
        <span lang="en">{check.failure}</span>
      </InlineNotice>
    );
  const isWhole = result.problems.length === 0;
  return (
    <InlineNotice kind={isWhole ? "success" : "error"} role="status" title={t(isWhole ? "audit.checkWhole" : "audit.broken")}>
      <div data-testid="audit-check">
        <p>
          <Time value={check.finished_at} exact />{" "}
          {t("audit.counts", { records: result.records.toLocaleString(), checkpoints: result.checkpoints.toLocaleString(), unsealed: result.unsealed.toLocaleString() })}
        </p>
        <Texts texts={result.problems} />
        <Texts texts={result.notes} />
        {!isWhole && <p>{t("audit.brokenMore")}</p>}
      </div>
    </InlineNotice>
  );
}

// The server's own sentences are English.
function Texts({ texts }: { texts: string[] }) {
  if (texts.length === 0) return null;
  return (
    <ul className="kh-list" lang="en">
      {texts.map((text, index) => (
        <li key={index} dir="auto">
          {text}
        </li>
      ))}
    </ul>
  );
}

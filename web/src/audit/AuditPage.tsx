// The audit log: whether it can be written, its key, a checkpoint on demand, and how it is checked by whoever does not
// want to believe the server. Its records are read from its files: the API hands none out.
import { Button } from "@carbon/react";
import { readAuditPublicKey, signCheckpoint } from "../api/audit";
import { readReadiness } from "../api/metrics";
import { CopyableText, CopyButton } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew } from "../components/icons";
import { useAction, useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { Fact, Facts, Page, Section } from "../components/Page";
import { useT } from "../i18n";
import { LogReader } from "./LogReader";

const DIRECTORY = "/var/lib/keyhaven/server/audit";

export default function AuditPage() {
  const t = useT();
  const notify = useNotify();
  const key = useLoad("audit-key", readAuditPublicKey);
  const health = useLoad("audit-health", readReadiness);
  const checkpoint = useAction(signCheckpoint, () => notify(t("audit.checkpointDone")));
  const state = health.data?.causes.audit;
  return (
    <Page
      title={t("nav.audit")}
      intro={t("audit.intro")}
      actions={
        <Button
          kind="ghost"
          renderIcon={Renew}
          onClick={() => {
            key.reload();
            health.reload();
          }}
        >
          {t("action.refresh")}
        </Button>
      }
    >
      <Section
        title={t("audit.state")}
        actions={
          <Button kind="tertiary" size="sm" disabled={checkpoint.busy || !key.data} onClick={checkpoint.run}>
            {t("audit.checkpoint")}
          </Button>
        }
      >
        <p>{t("audit.stateMore")}</p>
        <ErrorNotice error={key.error} onRetry={key.reload} />
        <ErrorNotice error={health.error} onRetry={health.reload} />
        <ErrorNotice error={checkpoint.error} />
        <Facts>
          <Fact name={t("audit.writing")}>{state === "ok" ? t("audit.writes") : (state ?? "–")}</Fact>
          <Fact name={t("audit.publicKey")}>{key.data ? <CopyableText value={key.data.public_key} what={t("audit.publicKey")} /> : "–"}</Fact>
        </Facts>
      </Section>
      <Section title={t("audit.self")}>
        <p>{t("audit.selfMore")}</p>
        <Command text={`keyhaven audit verify --log ${DIRECTORY} --public-key ${key.data?.public_key ?? "AUDIT_KEY"}`} />
        <p>{t("audit.selfKey")}</p>
      </Section>
      <LogReader serverKey={key.data?.public_key ?? ""} />
    </Page>
  );
}

function Command({ text }: { text: string }) {
  const t = useT();
  return (
    <div className="kh-script">
      <CopyButton value={text} what={t("audit.command")} />
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}

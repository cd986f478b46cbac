// What is running, where the page came from, and what that means for keys.
import { Tag } from "@carbon/react";
import { ApiError, call } from "../api/api";
import { CopyableText } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { useLoad } from "../components/load";
import { Fact, Facts, Page, Section } from "../components/Page";
import { useT } from "../i18n";
import { useSession } from "../shell/session";

interface Readiness {
  status: string;
  causes: Record<string, string>;
}

// A server that is not ready answers 503 with the same body.
async function readReadiness(signal: AbortSignal): Promise<Readiness> {
  try {
    return (await call("get", "/readyz", { signal })).data as Readiness;
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return { status: "not ready", causes: {} };
    throw error;
  }
}

export default function AboutPage() {
  const t = useT();
  const { environment } = useSession();
  const health = useLoad("readyz", readReadiness);
  const isLocal = environment.mode === "local";
  return (
    <Page title={t("about.title")}>
      <Facts>
        <Fact name={t("about.version")}>{environment.version}</Fact>
        <Fact name={t("about.server")}>
          <CopyableText value={environment.server} what={t("about.server")} />
        </Fact>
        <Fact name={t("about.health")}>
          {health.data && <Tag type={health.data.status === "ready" ? "green" : "red"}>{t(health.data.status === "ready" ? "about.ready" : "about.notReady")}</Tag>}
          {health.data && Object.entries(health.data.causes).map(([part, cause]) => <Tag key={part} type={cause === "ok" ? "gray" : "red"}>{`${part}: ${cause}`}</Tag>)}
        </Fact>
      </Facts>
      <ErrorNotice error={health.error} onRetry={health.reload} />
      <Section title={t("about.mode")}>
        <p>{t(isLocal ? "about.modeLocal" : "about.modeServer")}</p>
        {!isLocal && (
          <>
            <p>{t("about.localHow")}</p>
            <CopyableText value={`keyhaven console --url ${environment.server}`} what="keyhaven console" />
          </>
        )}
      </Section>
      <Section title={t("about.documentation")}>
        <p>
          <a className="cds--link" href={`${environment.server}/api/docs`} target="_blank" rel="noreferrer">
            {t("about.apiDocs")}
          </a>
        </p>
        <p>{t("about.errorCodes")}</p>
        <p>{t("about.licence")}</p>
      </Section>
    </Page>
  );
}


// What is running, where the page came from, what that means for keys, and what proves the units.
import { readAttestationRoot, readPinnedRoot, readReadiness, type AttestationRoot as Root } from "../api/metrics";
import { CopyableText } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { useLoad } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Fact, Facts, Page, Section } from "../components/Page";
import { useT } from "../i18n";
import { Health } from "../metrics/Health";
import { useSession } from "../shell/session";
import { Administrators } from "./Administrators";

// Formats of what leaves the product, each with its document in docs/protocols of the installation.
const FORMATS = ["aead", "audit-log", "import-token", "key-blob", "key-files", "key-shares", "tke", "transfer", "transfer-bundle", "unit-state-file", "wrapped-dek"] as const;

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
      </Facts>
      <Section title={t("about.health")}>
        <ErrorNotice error={health.error} onRetry={health.reload} />
        {health.data && <Health readiness={health.data} />}
      </Section>
      <Section title={t("about.mode")}>
        <p>{t(isLocal ? "about.modeLocal" : "about.modeServer")}</p>
        {!isLocal && (
          <>
            <p>{t("about.localHow")}</p>
            <CopyableText value={`keyhaven console --url ${environment.server}`} what="keyhaven console" />
          </>
        )}
      </Section>
      <AttestationRoot />
      <Administrators />
      <Section title={t("about.documentation")}>
        <ul className="kh-list">
          <li>
            <DocumentLink path="/api/docs" text={t("about.apiDocs")} />
          </li>
          <li>
            <DocumentLink path="/api/openapi.json" text={t("about.openapi")} />
          </li>
        </ul>
        <p>{t("about.errorCodes")}</p>
      </Section>
      <Section title={t("about.formats")}>
        <p>{t("about.formatsMore")}</p>
        <ul className="kh-list">
          {FORMATS.map((name) => (
            <li key={name}>
              {t(`format.${name}`)} <code>{`${name}.md`}</code>
            </li>
          ))}
        </ul>
      </Section>
      <Section title={t("about.licences")}>
        <p>{t("about.licence")}</p>
        <p>{t("about.licenceMore")}</p>
      </Section>
    </Page>
  );
}

function DocumentLink({ path, text }: { path: string; text: string }) {
  const { environment } = useSession();
  return (
    <a className="cds--link" href={`${environment.server}${path}`} target="_blank" rel="noreferrer">
      {text}
    </a>
  );
}

// Under `keyhaven console` the server's word is held against what was pinned on this machine.
async function readRoots(isLocal: boolean, signal: AbortSignal) {
  const [root, pinned] = await Promise.all([readAttestationRoot(signal), isLocal ? readPinnedRoot(signal) : undefined]);
  return { root, pinned };
}

const isSame = (left: Root, right: Root) => left.ski === right.ski && left.x === right.x && left.y === right.y;

function AttestationRoot() {
  const t = useT();
  const { environment } = useSession();
  const roots = useLoad("attestation-root", (signal) => readRoots(environment.mode === "local", signal));
  return (
    <Section title={t("about.root")}>
      <p>{t("about.rootMore")}</p>
      <ErrorNotice error={roots.error} onRetry={roots.reload} />
      {roots.data && (
        <>
          <Pinned {...roots.data} />
          <Facts>
            <Fact name={t("about.rootSki")}>
              <CopyableText value={roots.data.root.ski} what={t("about.rootSki")} />
            </Fact>
            <Fact name="X">
              <CopyableText value={roots.data.root.x} what="X" />
            </Fact>
            <Fact name="Y">
              <CopyableText value={roots.data.root.y} what="Y" />
            </Fact>
          </Facts>
        </>
      )}
    </Section>
  );
}

// Undefined: this page came from the server and knows of no pinned root.
function Pinned({ root, pinned }: { root: Root; pinned: Root | null | undefined }) {
  const t = useT();
  if (pinned === undefined) return null;
  const [kind, text] = pinned === null ? (["warning", "about.rootNotPinned"] as const) : isSame(root, pinned) ? (["success", "about.rootSame"] as const) : (["error", "about.rootDiffers"] as const);
  return <InlineNotice kind={kind} role={kind === "error" ? "alert" : "status"} title={t(text)} />;
}

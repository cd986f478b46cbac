// A failure in words: what its reason means, what the server said about this case, what to do, and the reason code and
// correlation id to quote in a report. The server's sentence is English; the reason stands above it in the page's language.
import { ActionableNotification } from "@carbon/react";
import { ApiError } from "../api/api";
import { useI18n, useTextsIfAny, type Translate } from "../i18n";
import { CopyButton } from "./CopyButton";

interface Words {
  title: string;
  text: string;
  // Whether the text is the server's own.
  quoted?: boolean;
  remedy?: string;
}

export function wordsOf(error: unknown, t: Translate): Words {
  if (!(error instanceof ApiError)) return { title: t("app.brokenPage"), text: error instanceof Error ? error.message : String(error) };
  if (error.code === "NETWORK_ERR") return { title: t("error.network"), text: t("error.networkMore") };
  if (error.code === "BAD_ANSWER_ERR") return { title: t("error.title"), text: t("error.badAnswer") };
  const said = error.message ? { text: error.message, quoted: true } : { text: t("error.noText") };
  const remedy = t.find(`remedy.${error.code}`);
  if (error.isRefusal && !remedy) return { title: t.find(`reason.${error.code}`) ?? t("error.refused"), ...said, remedy: t("error.refusedMore") };
  return { title: t.find(`reason.${error.code}`) ?? t("error.title"), ...said, remedy: remedy ?? (error.isStale ? t("error.stale") : undefined) };
}

interface ErrorNoticeProps {
  error: unknown;
  onRetry?: () => void;
}

export function ErrorNotice({ error, onRetry }: ErrorNoticeProps) {
  return error === undefined || error === null ? null : <Notice error={error} onRetry={onRetry} />;
}

function Notice({ error, onRetry }: ErrorNoticeProps) {
  const { t } = useI18n();
  useTextsIfAny("reasons");
  const words = wordsOf(error, t);
  const api = error instanceof ApiError ? error : undefined;
  const report = api ? `${api.code} (HTTP ${api.status})\nCorrelation-Id: ${api.correlationId}\n${words.text}` : words.text;
  return (
    <ActionableNotification
      className="kh-notice"
      kind="error"
      lowContrast
      inline
      hideCloseButton
      hasFocus={false}
      role="alert"
      statusIconDescription={t("notice.error")}
      title={words.title}
      actionButtonLabel={onRetry ? t("action.retry") : ""}
      onActionButtonClick={onRetry}
    >
      <div className="kh-error">
        {words.remedy && <p>{words.remedy}</p>}
        <p dir="auto" lang={words.quoted ? "en" : undefined}>
          {words.text}
        </p>
        {api?.target && (
          <p>
            {t("error.target")}: <code>{api.target.name}</code>
          </p>
        )}
        {api?.retryAfter !== undefined && <p>{t("error.retryAfter", { seconds: api.retryAfter })}</p>}
        {api && (
          <p className="kh-error-codes">
            {t("error.code")}: <code data-testid="error-code">{api.code}</code> · {t("error.correlationId")}: <code>{api.correlationId}</code>
            <CopyButton value={report} what={t("error.copy")} />
          </p>
        )}
      </div>
    </ActionableNotification>
  );
}

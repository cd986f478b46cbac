// A failure in words: what the server said, what to do, the reason code and the correlation id to quote in a report.
import { ActionableNotification } from "@carbon/react";
import { ApiError } from "../api/api";
import { useI18n, type Translate } from "../i18n";
import { CopyButton } from "./CopyButton";

interface Words {
  title: string;
  text: string;
  remedy?: string;
}

export function wordsOf(error: unknown, t: Translate): Words {
  if (!(error instanceof ApiError)) return { title: t("app.brokenPage"), text: error instanceof Error ? error.message : String(error) };
  if (error.code === "NETWORK_ERR") return { title: t("error.network"), text: t("error.networkMore") };
  if (error.code === "BAD_ANSWER_ERR") return { title: t("error.title"), text: t("error.badAnswer") };
  const remedy = t.find(`remedy.${error.code}`);
  if (error.isRefusal && !remedy) return { title: t("error.refused"), text: error.message || t("error.noText"), remedy: t("error.refusedMore") };
  return { title: t("error.title"), text: error.message || t("error.noText"), remedy: remedy ?? (error.isStale ? t("error.stale") : undefined) };
}

export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useI18n();
  if (error === undefined || error === null) return null;
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
      title={words.title}
      actionButtonLabel={onRetry ? t("action.retry") : ""}
      onActionButtonClick={onRetry}
    >
      <div className="kh-error">
        <p dir="auto">{words.text}</p>
        {words.remedy && <p>{words.remedy}</p>}
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

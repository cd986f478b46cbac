// What went wrong on this side of the protocol, in words; what the server refused is told as everywhere.
import { ErrorNotice } from "../components/ErrorNotice";
import { InlineNotice } from "../components/notices";
import { useT } from "../i18n";
import { SeriesError, TkeError } from "../tke/error";

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useT();
  if (error instanceof SeriesError) {
    const { unit, done, total, why } = error;
    return (
      <>
        <p className="kh-notice" data-testid="stopped-at">
          {t("series.stopped", { unit, done, total })}
        </p>
        <Failure error={why} onRetry={onRetry} />
      </>
    );
  }
  if (!(error instanceof TkeError)) return <ErrorNotice error={error} onRetry={onRetry} />;
  return (
    <InlineNotice kind="error" role="alert" title={t(`tke.error.${error.code}`)}>
      <div className="kh-error" data-testid="tke-error" data-code={error.code}>
        <p dir="auto">{error.message}</p>
      </div>
    </InlineNotice>
  );
}

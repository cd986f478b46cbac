// Long work: how far it is, and a way to stop where there is one.
import { Button, InlineLoading, ProgressBar } from "@carbon/react";
import { useT } from "../i18n";

interface ProgressProps {
  label: string;
  // Without a total the length is not known.
  done?: number;
  total?: number;
  onCancel?: () => void;
}

export function Progress({ label, done, total, onCancel }: ProgressProps) {
  const t = useT();
  const known = done !== undefined && total !== undefined;
  return (
    <div className="kh-progress">
      {known ? <ProgressBar label={label} value={done} max={Math.max(total, 1)} helperText={t("progress.of", { done: done.toLocaleString(), total: total.toLocaleString() })} /> : <ProgressBar label={label} />}
      {onCancel && (
        <Button kind="ghost" size="sm" onClick={onCancel}>
          {t("action.cancel")}
        </Button>
      )}
    </div>
  );
}

export function Loading() {
  const t = useT();
  return <InlineLoading className="kh-loading" description={t("app.loading")} />;
}

// A dialog with a form: Enter submits, Escape closes, errors are told inside, and the focus stays in it.
// It is open as long as it is rendered.
import { Modal } from "@carbon/react";
import { useEffect, useRef, type ReactNode } from "react";
import { useT } from "../i18n";
import { ErrorNotice } from "./ErrorNotice";

export interface DialogProps {
  title: string;
  submitLabel?: string;
  danger?: boolean;
  busy?: boolean;
  canSubmit?: boolean;
  error?: unknown;
  size?: "xs" | "sm" | "md" | "lg";
  onSubmit?: () => void;
  onClose: () => void;
  children?: ReactNode;
}

export function Dialog({ title, submitLabel, danger, busy = false, canSubmit = true, error, size = "sm", onSubmit, onClose, children }: DialogProps) {
  const t = useT();
  const told = useRef<HTMLDivElement>(null);
  // In a long form the error would be below the edge.
  useEffect(() => {
    if (error) told.current?.scrollIntoView({ block: "nearest" });
  }, [error]);
  return (
    <Modal
      open
      size={size}
      danger={danger}
      modalHeading={title}
      passiveModal={!onSubmit}
      primaryButtonText={submitLabel ?? t("action.save")}
      secondaryButtonText={t("action.cancel")}
      closeButtonLabel={t("action.close")}
      primaryButtonDisabled={!canSubmit || busy}
      loadingStatus={busy ? "active" : "inactive"}
      loadingDescription={t("common.working")}
      aria-label={title}
      preventCloseOnClickOutside
      onRequestClose={onClose}
      onRequestSubmit={onSubmit}
    >
      <form
        className="kh-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (canSubmit && !busy) onSubmit?.();
        }}
      >
        {children}
        <div ref={told}>
          <ErrorNotice error={error} />
        </div>
        {/* Without a submit button in it, a form with several fields does not submit on Enter. */}
        {onSubmit && <button type="submit" className="cds--visually-hidden" tabIndex={-1} aria-hidden="true" />}
      </form>
    </Modal>
  );
}

// A dialog with a form: Enter submits, Escape closes, errors are told inside, and the focus stays in it.
// It is open as long as it is rendered. What is only to be read has the focus itself, so that the arrow keys scroll it.
import { Modal } from "@carbon/react";
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
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

// Where the focus was: the button that opened the dialog, or that of the menu which is open.
function openerNow() {
  const opener = document.querySelector<HTMLElement>('.cds--overflow-menu[aria-expanded="true"]') ?? (document.activeElement as HTMLElement | null);
  return { opener, box: opener?.closest(".kh-table-box, section") ?? null };
}

// When the dialog has gone, the keyboard goes on where it was, and where that has gone, near it.
function useFocusBack() {
  const [{ opener, box }] = useState(openerNow);
  useEffect(
    () => () => {
      setTimeout(() => {
        // Somebody else has it: the page that the dialog led to, or the next dialog.
        if (document.activeElement !== document.body || document.querySelector(".cds--modal.is-visible")) return;
        const isThere = opener?.isConnected && opener !== document.body;
        const next = isThere ? opener : (box?.querySelector<HTMLElement>(".kh-table-region") ?? document.getElementById("main"));
        next?.focus({ preventScroll: !isThere });
      });
    },
    [opener, box],
  );
}

export function Dialog({ title, submitLabel, danger, busy = false, canSubmit = true, error, size = "sm", onSubmit, onClose, children }: DialogProps) {
  const t = useT();
  const told = useRef<HTMLDivElement>(null);
  useFocusBack();
  // In a long form the error would be below the edge.
  useEffect(() => {
    if (error) told.current?.scrollIntoView({ block: "nearest" });
  }, [error]);
  // Carbon's listener for Escape keeps the function that it was first given.
  const latest = useRef(onClose);
  latest.current = onClose;
  const close = useCallback(() => latest.current(), []);
  // With the focus on the close button the first Escape would only hide that one's tooltip.
  const closeAtOnce = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !(event.target as Element).closest(".cds--modal-close")) return;
    event.stopPropagation();
    close();
  };
  return (
    <Modal
      open
      onKeyDownCapture={closeAtOnce}
      selectorPrimaryFocus={onSubmit ? "[data-modal-primary-focus]" : ".kh-form"}
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
      onRequestClose={close}
      onRequestSubmit={onSubmit}
    >
      <form
        className="kh-form"
        tabIndex={onSubmit ? undefined : -1}
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

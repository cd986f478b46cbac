// Copies a value to the clipboard and says so, or that it could not. `what` names the value for screen readers: "Key ID".
import { Copy, Checkmark } from "./icons";
import { useEffect, useRef, useState } from "react";
import { useT } from "../i18n";
import { useNotify } from "./notices";

const SAID_FOR_MS = 2000;

interface CopyProps {
  value: string;
  what: string;
  // Called when the value is in the clipboard, and only then.
  onCopied?: () => void;
}

export function CopyButton({ value, what, onCopied }: CopyProps) {
  const t = useT();
  const notify = useNotify();
  const button = useRef<HTMLButtonElement>(null);
  const [state, setState] = useState<"copied" | "failed" | null>(null);
  useEffect(() => {
    if (state !== "copied") return;
    const timer = setTimeout(() => setState(null), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    const copied = await copyText(value);
    // A cell of a table has no room for words.
    const isInCell = button.current?.closest(".kh-cell");
    setState(copied ? "copied" : isInCell ? null : "failed");
    if (copied) onCopied?.();
    else if (isInCell) notify(t("copy.failed"), "warning");
  };
  const label = state === "copied" ? t("action.copied") : t("copy.value", { what });
  return (
    <>
      <button type="button" ref={button} className="kh-copy" aria-label={label} title={label} onClick={() => void copy()}>
        {state === "copied" ? <Checkmark /> : <Copy />}
      </button>
      <span aria-live="polite" className={state === "failed" ? "kh-copy-failed" : "cds--visually-hidden"}>
        {state === "copied" ? t("action.copied") : state === "failed" ? t("copy.failed") : ""}
      </span>
    </>
  );
}

async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return false;
  }
}

// A value in fixed-width type with its copy button: ids, CRNs, verification patterns.
export function CopyableText(props: CopyProps) {
  return (
    <span className="kh-copyable">
      <code>{props.value}</code>
      <CopyButton {...props} />
    </span>
  );
}

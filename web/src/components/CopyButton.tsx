// Copies a value to the clipboard and says so. `what` names the value for screen readers: "Key ID".
import { Copy, Checkmark } from "./icons";
import { useEffect, useState } from "react";
import { useT } from "../i18n";

const SAID_FOR_MS = 2000;

export function CopyButton({ value, what }: { value: string; what: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const label = copied ? t("action.copied") : t("copy.value", { what });
  return (
    <button type="button" className="kh-copy" aria-label={label} title={label} onClick={() => void copyText(value).then(setCopied)}>
      {copied ? <Checkmark /> : <Copy />}
      <span aria-live="polite" className="cds--visually-hidden">
        {copied ? t("action.copied") : ""}
      </span>
    </button>
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
export function CopyableText({ value, what }: { value: string; what: string }) {
  return (
    <span className="kh-copyable">
      <code>{value}</code>
      <CopyButton value={value} what={what} />
    </span>
  );
}

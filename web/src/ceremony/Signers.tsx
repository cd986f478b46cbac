// The signature keys that this page may sign with: opened from files or made here, forgotten when the page is left.
import { Button, Tag } from "@carbon/react";
import { useState } from "react";
import { useNotify } from "../components/notices";
import { Section } from "../components/Page";
import { useT } from "../i18n";
import { equal, toHex } from "../tke/bytes";
import { isAdministratorName, type Signer } from "../tke/administrator";
import { newSignatureKey, openSignatureKey } from "../tke/key-file";
import { hasAdministrator, type UnitFacts } from "../crypto-units/facts";
import { KeyFileDialog, type FileKind } from "./KeyFileDialog";

const SIGNATURE_KEY: FileKind<Signer> = { kind: "sigkey", open: openSignatureKey, create: newSignatureKey, isName: isAdministratorName };

interface SignersProps {
  signers: readonly Signer[];
  facts: readonly UnitFacts[];
  onChange: (signers: Signer[]) => void;
  onEnrol: (signer: Signer) => void;
  busy: boolean;
}

export function Signers({ signers, facts, onChange, onEnrol, busy }: SignersProps) {
  const t = useT();
  const notify = useNotify();
  const [open, setOpen] = useState<"open" | "new" | null>(null);
  const add = (signer: Signer) => {
    setOpen(null);
    if (signers.some((other) => equal(other.ski, signer.ski))) return notify(t("signers.twice", { name: signer.name }), "info");
    onChange([...signers, signer]);
    notify(t("signers.opened", { name: signer.name }));
  };
  return (
    <Section
      title={t("signers.title")}
      actions={
        <span className="kh-page-actions">
          <Button size="sm" kind="tertiary" onClick={() => setOpen("open")}>
            {t("file.sigkey.open")}
          </Button>
          <Button size="sm" kind="tertiary" onClick={() => setOpen("new")}>
            {t("file.sigkey.new")}
          </Button>
        </span>
      }
    >
      <p>{t("signers.intro")}</p>
      {signers.length === 0 && (
        <p className="kh-muted">
          {t("signers.empty")}. {t("signers.emptyMore")}
        </p>
      )}
      <ul className="kh-rows" data-testid="signers">
        {signers.map((signer) => {
          const lacking = facts.filter((one) => !hasAdministrator(one, signer.ski)).length;
          return (
            <li key={toHex(signer.ski)}>
              <span>
                <bdi>{signer.name || t("signers.noName")}</bdi> <code>{toHex(signer.ski)}</code>{" "}
                <Tag size="sm" type={lacking === 0 ? "green" : "warm-gray"}>
                  {lacking === 0 ? t("signers.installed") : t("signers.lacking", { count: lacking, total: facts.length })}
                </Tag>
              </span>
              <span className="kh-page-actions">
                {lacking > 0 && (
                  <Button size="sm" disabled={busy || !isAdministratorName(signer.name)} onClick={() => onEnrol(signer)}>
                    {t("signers.enrol", { name: signer.name })}
                  </Button>
                )}
                <Button size="sm" kind="ghost" onClick={() => onChange(signers.filter((other) => other !== signer))}>
                  {t("signers.forget", { name: signer.name })}
                </Button>
              </span>
            </li>
          );
        })}
      </ul>
      <p className="kh-muted">{t("signers.elsewhere")}</p>
      {open && <KeyFileDialog file={SIGNATURE_KEY} mode={open} onOpened={add} onClose={() => setOpen(null)} />}
    </Section>
  );
}

// Who at the OpenID provider logs in as this user. One subject is one user's; the server says when another one has it.
import { useState } from "react";
import { linkIdentity, type Identity } from "../api/iam";
import { Confirm } from "../components/Confirm";
import { CopyableText } from "../components/CopyButton";
import { Dialog } from "../components/Dialog";
import { TextField } from "../components/fields";
import { MayButton } from "../components/Needs";
import { useAction } from "../components/load";
import { useNotify } from "../components/notices";
import { useT } from "../i18n";

interface LinkProps {
  identity: Identity;
  reload: () => void;
}

export function OpenIdLink({ identity, reload }: LinkProps) {
  const t = useT();
  const notify = useNotify();
  const [open, setOpen] = useState<"link" | "unlink" | null>(null);
  const { name, oidc_subject: subject } = identity;
  const done = (text: string) => {
    setOpen(null);
    notify(text);
    reload();
  };
  return (
    <>
      {subject ? (
        <>
          <CopyableText value={subject} what={t("iam.openidSubject")} /> <span className="kh-muted">{identity.oidc_issuer}</span>
        </>
      ) : (
        <span className="kh-muted">{t("iam.openidNone")}</span>
      )}
      <MayButton needs="iam-identity.update" kind="ghost" size="sm" onClick={() => setOpen("link")}>
        {t(subject ? "iam.openidChange" : "iam.openidLink")}
      </MayButton>
      {subject && (
        <MayButton needs="iam-identity.update" kind="danger--ghost" size="sm" onClick={() => setOpen("unlink")}>
          {t("iam.openidUnlink")}
        </MayButton>
      )}
      {open === "link" && <LinkDialog identity={identity} onClose={() => setOpen(null)} onDone={() => done(t("iam.openidLinked", { name }))} />}
      {open === "unlink" && (
        <Confirm title={t("iam.openidUnlink")} confirmLabel={t("iam.openidUnlink")} danger work={() => linkIdentity(identity.iam_id, null)} onClose={() => setOpen(null)} onDone={() => done(t("iam.openidUnlinked", { name }))}>
          <p dir="auto">{t("iam.openidUnlinkMore", { name })}</p>
        </Confirm>
      )}
    </>
  );
}

function LinkDialog({ identity, onClose, onDone }: { identity: Identity; onClose: () => void; onDone: () => void }) {
  const t = useT();
  const [subject, setSubject] = useState(identity.oidc_subject ?? "");
  const action = useAction(() => linkIdentity(identity.iam_id, subject), onDone);
  return (
    <Dialog title={t("iam.openid")} submitLabel={t("iam.openidLink")} busy={action.busy} error={action.error} canSubmit={subject !== "" && subject !== identity.oidc_subject} onSubmit={action.run} onClose={onClose}>
      <p dir="auto">{t("iam.openidMore", { name: identity.name })}</p>
      <TextField id="openid-subject" data-modal-primary-focus autoComplete="off" spellCheck={false} dir="auto" maxLength={255} labelText={t("iam.openidSubject")} helperText={t("iam.openidSubjectHelp")} value={subject} onChange={(event) => setSubject(event.target.value.trim())} />
    </Dialog>
  );
}

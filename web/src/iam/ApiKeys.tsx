// API keys of an identity. A key's text exists in the answer that makes it, in this dialog, and nowhere else.
import { Tag } from "@carbon/react";
import { useEffect, useMemo, useState } from "react";
import { createApiKey, revokeApiKey, type ApiKey, type Identity, type NewApiKey } from "../api/iam";
import { Confirm } from "../components/Confirm";
import { CopyButton } from "../components/CopyButton";
import { DataTable, type Column } from "../components/DataTable";
import { Dialog } from "../components/Dialog";
import { EmptyState } from "../components/EmptyState";
import { SecretField, TextField } from "../components/fields";
import { Add, TrashCan } from "../components/icons";
import { useAction } from "../components/load";
import { InlineNotice, useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Section } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useSession } from "../shell/session";
import type { IdentityDetails } from "./IdentityPage";
import { isName, MAX_API_KEYS } from "./rules";

export interface PartProps {
  identity: Identity;
  details: IdentityDetails;
  reload: () => void;
}

export function ApiKeys({ identity, details, reload }: PartProps) {
  const t = useT();
  const notify = useNotify();
  const { session } = useSession();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<NewApiKey | null>(null);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const rows = useLocalRows(details.apiKeys);
  const columns = useMemo<Column<ApiKey>[]>(
    () => [
      { key: "name", header: t("common.name"), width: 280, cell: (row) => <bdi title={row.name}>{row.name}</bdi> },
      { key: "state", header: t("common.state"), width: 140, stacked: true, cell: (row) => <Tag size="sm" type={row.locked ? "red" : "green"}>{t(row.locked ? "iam.locked" : "iam.usable")}</Tag> },
      { key: "created", header: t("common.created"), width: 200, cell: (row) => <Time value={row.created_at} /> },
      { key: "id", header: t("common.id"), width: 300, cell: (row) => <code>{row.id}</code> },
    ],
    [t],
  );
  return (
    <Section
      title={t("iam.apiKeys")}
      actions={
        <MayButton needs="iam-apikey.create" kind="tertiary" size="sm" renderIcon={Add} disabled={details.apiKeys.length >= MAX_API_KEYS} onClick={() => setAdding(true)}>
          {t("iam.makeKey")}
        </MayButton>
      }
    >
      <p>{t("iam.apiKeysMore", { limit: MAX_API_KEYS })}</p>
      <DataTable
        name="api-keys"
        label={t("iam.apiKeys")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        menu={(row) => <MayButton needs="iam-apikey.delete" kind="ghost" size="sm" hasIconOnly renderIcon={TrashCan} iconDescription={t("iam.revokeNamed", { name: row.name })} tooltipPosition="left" onClick={() => setRevoking(row)} />}
        empty={<EmptyState title={t("iam.noKeys")} text={t("iam.noKeysMore")} />}
      />
      {adding && (
        <MakeApiKey
          identity={identity}
          onClose={() => setAdding(false)}
          onDone={(key) => {
            setAdding(false);
            setMade(key);
            reload();
          }}
        />
      )}
      {made && <ShowOnce made={made} onClose={() => setMade(null)} />}
      {revoking && (
        <Confirm
          title={t("iam.revoke")}
          confirmLabel={t("iam.revoke")}
          danger
          typeName={revoking.name}
          work={() => revokeApiKey(revoking.id)}
          onClose={() => setRevoking(null)}
          onDone={() => {
            notify(t("iam.revoked", { name: revoking.name }));
            setRevoking(null);
            reload();
          }}
        >
          <p>{t("iam.revokeMore")}</p>
          {identity.iam_id === session.id && <p>{t("iam.revokeMe")}</p>}
        </Confirm>
      )}
    </Section>
  );
}

function MakeApiKey({ identity, onClose, onDone }: { identity: Identity; onClose: () => void; onDone: (key: NewApiKey) => void }) {
  const t = useT();
  const [name, setName] = useState("");
  const action = useAction(() => createApiKey(identity.iam_id, name), onDone);
  return (
    <Dialog title={t("iam.makeKey")} submitLabel={t("action.create")} busy={action.busy} error={action.error} canSubmit={isName(name)} onSubmit={action.run} onClose={onClose}>
      <p>
        {t("iam.makeKeyFor")} <bdi>{identity.name}</bdi>
      </p>
      <TextField id="key-name" data-modal-primary-focus dir="auto" labelText={t("common.name")} helperText={t("iam.keyNameHelp")} value={name} onChange={(event) => setName(event.target.value)} />
    </Dialog>
  );
}

function ShowOnce({ made, onClose }: { made: NewApiKey; onClose: () => void }) {
  const t = useT();
  const [hasKept, setHasKept] = useState(false);
  const [isWarned, setIsWarned] = useState(false);
  // Escape is a slip as easily as a wish; a key that was copied or a second try is a wish.
  const leave = () => (hasKept || isWarned ? onClose() : setIsWarned(true));
  // A reload or a closed tab would lose it: the browser asks first.
  useEffect(() => {
    if (hasKept) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [hasKept]);
  return (
    <Dialog title={t("iam.onceTitle")} submitLabel={t("iam.kept")} canSubmit onSubmit={onClose} onClose={leave}>
      <InlineNotice kind="warning" role="status" title={t("iam.once")} subtitle={t("iam.onceMore")} />
      {isWarned && <InlineNotice kind="error" role="alert" title={t("iam.notKept")} />}
      <p>
        <bdi>{made.name}</bdi>
      </p>
      <div className="kh-secret">
        <SecretField id="new-api-key" readOnly data-modal-primary-focus labelText={t("iam.apiKey")} value={made.apikey} onFocus={(event) => event.target.select()} />
        <CopyButton value={made.apikey} what={t("iam.apiKey")} onCopied={() => setHasKept(true)} />
      </div>
    </Dialog>
  );
}

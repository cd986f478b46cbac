// Who may log in, and what each may do: the list of identities.
import { Button, Search, Select, SelectItem, Tag } from "@carbon/react";
import { useMemo, useState } from "react";
import { createIdentity, listAccessPolicies, listApiKeys, listIdentities, type Identity } from "../api/iam";
import { DataTable, type Column } from "../components/DataTable";
import { Dialog } from "../components/Dialog";
import { EmptyState } from "../components/EmptyState";
import { TextAreaField, TextField } from "../components/fields";
import { Add, Renew } from "../components/icons";
import { useAction, useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Page } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { navigate, RouteLink, useQuery } from "../shell/router";
import { useSession } from "../shell/session";
import { isName, matches, rowsOf, type IdentityRow } from "./rules";

export const identityPath = (id: string) => `/access/${encodeURIComponent(id)}`;

async function readAll(signal: AbortSignal): Promise<IdentityRow[]> {
  const [identities, apiKeys, policies] = await Promise.all([listIdentities(signal), listApiKeys(undefined, signal), listAccessPolicies(undefined, signal)]);
  return rowsOf(identities, apiKeys, policies);
}

export default function IamPage() {
  const t = useT();
  const notify = useNotify();
  const { session } = useSession();
  const [query, change] = useQuery();
  const [adding, setAdding] = useState(false);
  const loaded = useLoad("identities", readAll);
  const [search, type] = [query.get("search") ?? "", query.get("type") ?? ""];
  const found = useMemo(() => loaded.data?.filter((row) => matches(row, search, type)), [loaded.data, search, type]);
  const rows = useLocalRows(found, loaded.error, loaded.reload);
  const columns = useMemo<Column<IdentityRow>[]>(
    () => [
      {
        key: "name",
        header: t("common.name"),
        width: 260,
        cell: (row) => (
          <>
            <RouteLink to={identityPath(row.iam_id)} dir="auto" title={row.name}>
              {row.name}
            </RouteLink>
            {row.iam_id === session.id && (
              <Tag size="sm" type="blue">
                {t("iam.you")}
              </Tag>
            )}
          </>
        ),
      },
      { key: "type", header: t("iam.type"), width: 120, cell: (row) => t(`iam.${row.type}`) },
      { key: "roles", header: t("iam.roles"), width: 240, stacked: true, cell: (row) => row.roles.join(", ") || <span className="kh-muted">{t("iam.noRoles")}</span> },
      { key: "keys", header: t("iam.apiKeys"), width: 100, cell: (row) => row.apiKeys },
      { key: "created", header: t("common.created"), width: 190, cell: (row) => <Time value={row.created_at} /> },
      { key: "id", header: t("common.id"), width: 420, cell: (row) => <code>{row.iam_id}</code> },
    ],
    [t, session.id],
  );
  const isFiltered = search !== "" || type !== "";
  return (
    <Page
      title={t("nav.iam")}
      intro={t("iam.intro")}
      actions={
        <>
          <Button kind="ghost" renderIcon={Renew} onClick={loaded.reload}>
            {t("action.refresh")}
          </Button>
          <MayButton needs="iam-identity.create" keep renderIcon={Add} onClick={() => setAdding(true)}>
            {t("iam.add")}
          </MayButton>
        </>
      }
    >
      <DataTable
        name="identities"
        label={t("iam.identities")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.iam_id}
        empty={<EmptyState title={t(isFiltered ? "iam.noMatch" : "iam.empty")} text={t("iam.intro")} />}
        toolbar={
          <>
            <Search className="kh-search" size="md" labelText={t("iam.search")} placeholder={t("iam.search")} closeButtonLabelText={t("action.clear")} value={search} onChange={(event) => change({ search: event.target.value })} />
            <Select id="identity-type" labelText={t("iam.type")} value={type} onChange={(event) => change({ type: event.target.value })}>
              <SelectItem value="" text={t("iam.all")} />
              <SelectItem value="serviceid" text={t("iam.serviceid")} />
              <SelectItem value="user" text={t("iam.user")} />
            </Select>
          </>
        }
      />
      {adding && (
        <AddIdentity
          onClose={() => setAdding(false)}
          onDone={({ id, name }) => {
            notify(t("iam.added", { name }));
            navigate(identityPath(id));
          }}
        />
      )}
    </Page>
  );
}

function AddIdentity({ onClose, onDone }: { onClose: () => void; onDone: (identity: Identity) => void }) {
  const t = useT();
  const [type, setType] = useState<"serviceid" | "user">("serviceid");
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [crn, setCrn] = useState("");
  const isService = type === "serviceid";
  const action = useAction(() => createIdentity({ type, name, description: description || undefined, service_crn: isService ? crn.trim() || undefined : undefined }), onDone);
  return (
    <Dialog title={t("iam.add")} submitLabel={t("action.create")} busy={action.busy} error={action.error} canSubmit={isName(name)} onSubmit={action.run} onClose={onClose}>
      <p>{t("iam.addMore")}</p>
      <Select id="new-type" labelText={t("iam.type")} helperText={t(isService ? "iam.serviceidHelp" : "iam.userHelp")} value={type} onChange={(event) => setType(event.target.value as typeof type)}>
        <SelectItem value="serviceid" text={t("iam.serviceid")} />
        <SelectItem value="user" text={t("iam.user")} />
      </Select>
      <TextField id="new-name" data-modal-primary-focus dir="auto" labelText={t("common.name")} helperText={t("iam.nameHelp")} value={name} onChange={(event) => setName(event.target.value)} />
      <TextAreaField id="new-description" rows={2} dir="auto" labelText={`${t("iam.description")} (${t("common.optional")})`} value={description} onChange={(event) => setDescription(event.target.value)} />
      {isService && (
        <TextField id="new-crn" spellCheck={false} labelText={`${t("iam.serviceCrn")} (${t("common.optional")})`} helperText={t("iam.serviceCrnHelp")} value={crn} onChange={(event) => setCrn(event.target.value)} />
      )}
    </Dialog>
  );
}

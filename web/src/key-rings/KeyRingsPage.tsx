// Key rings of an instance: how many keys each has, adding, deleting.
import { Button } from "@carbon/react";
import { useMemo, useState } from "react";
import { countKeys, createRing, deleteRing, listRings, type KeyRing } from "../api/keys";
import { Confirm } from "../components/Confirm";
import { DataTable, type Column } from "../components/DataTable";
import { Dialog } from "../components/Dialog";
import { EmptyState } from "../components/EmptyState";
import { TextField } from "../components/fields";
import { Add, Renew, TrashCan } from "../components/icons";
import { useAction, useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Page } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { RouteLink } from "../shell/router";
import { DEFAULT_RING, isRingId } from "./rules";

export default function KeyRingsPage() {
  const t = useT();
  const notify = useNotify();
  const { guid, instance } = useInstance();
  const loaded = useLoad(`rings:${guid}`, (signal) => listRings(guid, signal));
  const rows = useLocalRows(loaded.data, loaded.error, loaded.reload);
  const [adding, setAdding] = useState(false);
  const [deleting, setDeleting] = useState<KeyRing | null>(null);
  const columns = useMemo<Column<KeyRing>[]>(
    () => [
      { key: "id", header: t("rings.id"), width: 260, cell: (row) => <RingName guid={guid} ring={row.id} /> },
      { key: "keys", header: t("rings.keys"), width: 110, stacked: true, cell: (row) => <RingKeys guid={guid} ring={row.id} /> },
      { key: "created", header: t("common.created"), width: 200, cell: (row) => <Time value={row.creationDate} /> },
      { key: "createdBy", header: t("common.createdBy"), width: 330, cell: (row) => row.createdBy ?? "–" },
    ],
    [t, guid],
  );
  const limit = instance?.parameters.limits.key_rings;
  const isFull = limit !== undefined && (loaded.data?.length ?? 0) >= limit;
  return (
    <Page
      title={t("rings.title")}
      intro={
        <>
          {t("rings.intro")} {limit !== undefined && loaded.data && t("rings.limit", { used: loaded.data.length, limit })}
        </>
      }
      actions={
        <>
          <Button kind="ghost" renderIcon={Renew} onClick={loaded.reload}>
            {t("action.refresh")}
          </Button>
          <MayButton needs="key-rings.create" keep renderIcon={Add} disabled={isFull} onClick={() => setAdding(true)}>
            {t("rings.add")}
          </MayButton>
        </>
      }
    >
      <DataTable
        name="rings"
        label={t("rings.title")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        menu={(row) => row.id !== DEFAULT_RING && <MayButton needs="key-rings.delete" kind="ghost" size="sm" hasIconOnly renderIcon={TrashCan} iconDescription={`${t("rings.delete")} ${row.id}`} tooltipPosition="left" onClick={() => setDeleting(row)} />}
        empty={<EmptyState title={t("rings.empty")} text={t("rings.intro")} />}
      />
      {adding && (
        <AddRing
          guid={guid}
          onClose={() => setAdding(false)}
          onDone={(ring) => {
            setAdding(false);
            notify(t("rings.created", { ring }));
            loaded.reload();
          }}
        />
      )}
      {deleting && (
        <Confirm
          title={t("rings.delete")}
          confirmLabel={t("action.delete")}
          danger
          typeName={deleting.id}
          option={t("rings.force")}
          work={(force) => deleteRing(guid, deleting.id, force)}
          onClose={() => setDeleting(null)}
          onDone={() => {
            notify(t("rings.deleted", { ring: deleting.id }));
            setDeleting(null);
            loaded.reload();
          }}
        >
          <p>{t("rings.deleteMore")}</p>
        </Confirm>
      )}
    </Page>
  );
}

function RingName({ guid, ring }: { guid: string; ring: string }) {
  const t = useT();
  return (
    <>
      <RouteLink to={`/instances/${guid}/keys?ring=${encodeURIComponent(ring)}`} title={t("rings.showKeys", { ring })}>
        {ring}
      </RouteLink>
      {ring === DEFAULT_RING && (
        <>
          <br />
          <span className="kh-muted">{t("rings.default")}</span>
        </>
      )}
    </>
  );
}

function RingKeys({ guid, ring }: { guid: string; ring: string }) {
  const count = useLoad(`ring-keys:${guid}:${ring}`, (signal) => countKeys(guid, { ring }, signal));
  return <>{count.data?.toLocaleString() ?? "–"}</>;
}

function AddRing({ guid, onClose, onDone }: { guid: string; onClose: () => void; onDone: (ring: string) => void }) {
  const t = useT();
  const [id, setId] = useState("");
  const action = useAction(
    () => createRing(guid, id),
    () => onDone(id),
  );
  const isReserved = id === DEFAULT_RING;
  const isValid = isRingId(id);
  return (
    <Dialog title={t("rings.add")} submitLabel={t("action.create")} busy={action.busy} error={action.error} canSubmit={isValid} onSubmit={action.run} onClose={onClose}>
      <TextField
        id="ring-id"
        data-modal-primary-focus
        autoComplete="off"
        spellCheck={false}
        labelText={t("rings.id")}
        helperText={t("rings.idHelp")}
        value={id}
        invalid={id.length >= 2 && !isValid}
        invalidText={t(isReserved ? "rings.reserved" : "rings.idWrong")}
        onChange={(event) => setId(event.target.value)}
      />
    </Dialog>
  );
}

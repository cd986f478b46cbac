// Cloud resources that are encrypted under the key.
import { listRegistrations, type Registration } from "../api/keys";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { useLoad } from "../components/load";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { resourceOf, serviceOf } from "../resources/crn";
import type { PartProps } from "./KeyPage";

export function KeyResources({ instance, item }: PartProps) {
  const t = useT();
  const loaded = useLoad(`registrations:${instance}:${item.id}`, (signal) => listRegistrations(instance, item.id, signal));
  const rows = useLocalRows(loaded.data, loaded.error, loaded.reload);
  const columns: Column<Registration>[] = [
    { key: "resource", header: t("details.resource"), width: 320, cell: (row) => <span title={row.resourceCrn}>{resourceOf(row.resourceCrn)}</span> },
    { key: "service", header: t("details.service"), width: 200, cell: (row) => serviceOf(row.resourceCrn) },
    { key: "retention", header: t("details.retention"), width: 160, cell: (row) => t(row.preventKeyDeletion ? "common.yes" : "common.no") },
    { key: "description", header: t("keys.description"), width: 260, cell: (row) => <span dir="auto">{row.description ?? "–"}</span> },
    { key: "created", header: t("common.created"), width: 200, cell: (row) => <Time value={row.creationDate} /> },
    { key: "updated", header: t("common.updated"), width: 200, hidden: true, cell: (row) => <Time value={row.lastUpdated} /> },
  ];
  return (
    <DataTable name="registrations" label={t("details.resources")} columns={columns} rows={rows} rowKey={(row) => row.resourceCrn} empty={<EmptyState title={t("details.noResources")} text={t("details.noResourcesMore")} />} />
  );
}

// Cloud resources that are encrypted under the key.
import { listRegistrations, type Registration } from "../api/keys";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { useLoad } from "../components/load";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import type { PartProps } from "./KeyPage";

// Fields of a CRN, counted from 0 with the word crn: 4 is the service, the last one the resource.
const SERVICE = 4;
const field = (crn: string, index: number) => crn.split(":").at(index) || "–";

export function KeyResources({ instance, item }: PartProps) {
  const t = useT();
  const loaded = useLoad(`registrations:${instance}:${item.id}`, (signal) => listRegistrations(instance, item.id, signal));
  const rows = useLocalRows(loaded.data, loaded.error, loaded.reload);
  const columns: Column<Registration>[] = [
    { key: "resource", header: t("details.resource"), width: 320, cell: (row) => <span title={row.resourceCrn}>{field(row.resourceCrn, -1)}</span> },
    { key: "service", header: t("details.service"), width: 200, cell: (row) => field(row.resourceCrn, SERVICE) },
    { key: "retention", header: t("details.retention"), width: 160, cell: (row) => t(row.preventKeyDeletion ? "common.yes" : "common.no") },
    { key: "description", header: t("keys.description"), width: 260, cell: (row) => <span dir="auto">{row.description ?? "–"}</span> },
    { key: "created", header: t("common.created"), width: 200, cell: (row) => <Time value={row.creationDate} /> },
    { key: "updated", header: t("common.updated"), width: 200, hidden: true, cell: (row) => <Time value={row.lastUpdated} /> },
  ];
  return (
    <DataTable name="registrations" label={t("details.resources")} columns={columns} rows={rows} rowKey={(row) => row.resourceCrn} empty={<EmptyState title={t("details.noResources")} text={t("details.noResourcesMore")} />} />
  );
}

// Every cloud resource that is encrypted under some key of the instance.
import { Select, SelectItem } from "@carbon/react";
import { useMemo } from "react";
import { listAllRegistrations, type Registration } from "../api/keys";
import { CopyableText } from "../components/CopyButton";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { Page } from "../components/Page";
import { useServerRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT, type Translate } from "../i18n";
import { keyPath } from "../keys/columns";
import { useInstance } from "../shell/instance";
import { RouteLink, useQuery } from "../shell/router";
import { resourceOf, serviceOf } from "./crn";

const columns = (t: Translate, instance: string): Column<Registration>[] => [
  { key: "resource", header: t("details.resource"), width: 280, cell: (row) => <span title={row.resourceCrn}>{resourceOf(row.resourceCrn)}</span> },
  { key: "key", header: t("resources.key"), width: 240, cell: (row) => <RouteLink to={keyPath(instance, row.keyId)} dir="auto" title={row.keyName}>{row.keyName}</RouteLink> },
  { key: "service", header: t("details.service"), width: 180, cell: (row) => serviceOf(row.resourceCrn) },
  { key: "retention", header: t("details.retention"), width: 160, cell: (row) => t(row.preventKeyDeletion ? "common.yes" : "common.no") },
  { key: "created", header: t("common.created"), width: 200, cell: (row) => <Time value={row.creationDate} /> },
  { key: "keyId", header: t("resources.keyId"), width: 380, hidden: true, cell: (row) => <CopyableText value={row.keyId} what={t("copy.of", { what: t("resources.keyId"), name: row.keyName })} /> },
  { key: "updated", header: t("common.updated"), width: 200, hidden: true, cell: (row) => <Time value={row.lastUpdated} /> },
  { key: "description", header: t("keys.description"), width: 260, hidden: true, cell: (row) => <span dir="auto">{row.description ?? "–"}</span> },
  { key: "version", header: t("resources.version"), width: 380, hidden: true, cell: (row) => <CopyableText value={row.keyVersion.id} what={t("copy.of", { what: t("resources.version"), name: row.keyName })} /> },
  { key: "crn", header: t("resources.crn"), width: 480, hidden: true, cell: (row) => <CopyableText value={row.resourceCrn} what={t("copy.of", { what: t("resources.crn"), name: row.keyName })} /> },
];

export default function ResourcesPage() {
  const t = useT();
  const { guid } = useInstance();
  const [query, setQuery] = useQuery();
  const retention = query.get("retention") ?? "";
  const prevents = retention ? retention === "yes" : undefined;
  const rows = useServerRows<Registration>(`resources:${guid}:${retention}`, (offset, limit, signal) => listAllRegistrations(guid, prevents, offset, limit, signal));
  const shown = useMemo(() => columns(t, guid), [t, guid]);
  return (
    <Page title={t("details.resources")} intro={t("details.noResourcesMore")}>
      <DataTable
        name="resources"
        label={t("details.resources")}
        columns={shown}
        rows={rows}
        rowKey={(row) => `${row.keyId} ${row.resourceCrn}`}
        toolbar={
          <Select id="filter-retention" labelText={t("details.retention")} value={retention} onChange={(event) => setQuery({ retention: event.target.value })}>
            <SelectItem value="" text={t("keys.all")} />
            <SelectItem value="yes" text={t("common.yes")} />
            <SelectItem value="no" text={t("common.no")} />
          </Select>
        }
        empty={<EmptyState title={t("resources.empty")} text={t("details.noResourcesMore")} />}
      />
    </Page>
  );
}

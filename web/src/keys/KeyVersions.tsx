import { Tag } from "@carbon/react";
import { listVersions, type KeyVersion } from "../api/keys";
import { CopyableText } from "../components/CopyButton";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { useLoad } from "../components/load";
import { useLocalRows } from "../components/rows";
import { localTime, Time } from "../components/Time";
import { useI18n, useT } from "../i18n";
import type { PartProps } from "./KeyPage";
import { isRoot } from "./rules";

export function KeyVersions(props: PartProps) {
  const t = useT();
  return isRoot(props.item) ? <Versions {...props} /> : <EmptyState title={t("details.noVersions")} />;
}

function Versions({ instance, item }: PartProps) {
  const { t, language } = useI18n();
  // A new version makes the key another thing to read.
  const loaded = useLoad(`versions:${instance}:${item.id}:${item.keyVersion?.id}`, (signal) => listVersions(instance, item.id, signal));
  const rows = useLocalRows(loaded.data, loaded.error, loaded.reload);
  const columns: Column<KeyVersion>[] = [
    {
      key: "id",
      header: t("common.id"),
      width: 460,
      cell: (row) => (
        <>
          <CopyableText value={row.id} what={t("copy.of", { what: t("common.id"), name: localTime(row.creationDate ?? "", language) })} />
          {row.id === item.keyVersion?.id && (
            <Tag size="sm" type="green">
              {t("details.currentVersion")}
            </Tag>
          )}
        </>
      ),
    },
    { key: "created", header: t("common.created"), width: 240, cell: (row) => <Time value={row.creationDate} /> },
  ];
  return (
    <>
      <p className="kh-muted">{loaded.data && t("details.versionsOf", { count: loaded.data.length })}</p>
      <DataTable name="versions" label={t("details.versions")} columns={columns} rows={rows} rowKey={(row) => row.id} empty={<EmptyState title={t("details.noVersions")} />} />
    </>
  );
}

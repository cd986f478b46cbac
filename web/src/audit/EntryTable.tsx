// Records of the log, from files or from the server.
import { Tag } from "@carbon/react";
import { useMemo, type ReactNode } from "react";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import type { Shown } from "./entries";

interface EntryTableProps {
  // Undefined while the first answer is on its way.
  entries: Shown[] | undefined;
  toolbar?: ReactNode;
  empty?: ReactNode;
  onOpen: (entry: Shown) => void;
}

export function EntryTable({ entries, toolbar, empty, onOpen }: EntryTableProps) {
  const t = useT();
  const rows = useLocalRows(entries);
  const columns = useMemo<Column<Shown>[]>(
    () => [
      {
        key: "action",
        header: t("audit.action"),
        width: 260,
        cell: (row) => (
          <button type="button" className="cds--link kh-link-button" onClick={() => onOpen(row)}>
            {row.record.event.action ?? t("audit.noAction")}
          </button>
        ),
      },
      { key: "time", header: t("audit.time"), width: 285, cell: ({ record }) => <Time value={record.event.eventTime} exact /> },
      { key: "outcome", header: t("audit.outcome"), width: 140, stacked: true, cell: ({ record }) => <Outcome outcome={record.event.outcome} code={record.event.reason?.reasonCode} /> },
      { key: "sealed", header: t("audit.sealed"), width: 130, cell: (row) => <Sealed isSealed={row.isSealed} /> },
      { key: "initiator", header: t("audit.initiator"), width: 240, cell: ({ record }) => <bdi>{record.event.initiator?.name ?? record.event.initiator?.id ?? "–"}</bdi> },
      { key: "instance", header: t("nav.instance"), width: 340, cell: ({ record }) => <code>{record.event.requestData?.instanceID ?? "–"}</code> },
      { key: "correlation", header: t("error.correlationId"), width: 340, cell: ({ record }) => <code>{record.event.correlationId ?? "–"}</code> },
      { key: "severity", header: t("audit.severity"), width: 130, hidden: true, cell: ({ record }) => record.event.severity ?? "–" },
      { key: "address", header: t("audit.address"), width: 170, hidden: true, cell: ({ record }) => record.event.initiator?.host?.address ?? "–" },
      { key: "stream", header: t("audit.stream"), width: 150, hidden: true, cell: (row) => `${row.stream} ${row.record.seq}` },
    ],
    [t, onOpen],
  );
  return (
    <DataTable
      name="audit"
      label={t("audit.records")}
      columns={columns}
      rows={rows}
      rowKey={(row) => `${row.stream}:${row.record.seq}:${row.record.hash}`}
      empty={empty ?? <EmptyState title={t("audit.noMatch")} text={t("audit.noMatchMore")} />}
      toolbar={toolbar}
    />
  );
}

export function Sealed({ isSealed }: { isSealed: boolean }) {
  const t = useT();
  return (
    <Tag size="sm" type={isSealed ? "green" : "gray"}>
      {t(isSealed ? "audit.isSealed" : "audit.notSealed")}
    </Tag>
  );
}

function Outcome({ outcome, code }: { outcome: string | undefined; code: number | undefined }) {
  const t = useT();
  const isFailure = outcome === "failure";
  return (
    <>
      <Tag size="sm" type={isFailure ? "red" : "green"}>
        {outcome === "success" || isFailure ? t(`audit.outcome.${outcome}`) : (outcome ?? "–")}
      </Tag>{" "}
      {code}
    </>
  );
}

// The records of an opened log, with filters that live in the URL.
import { Button, Select, SelectItem, Tag } from "@carbon/react";
import { useMemo } from "react";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { TextField } from "../components/fields";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { FILTER_NAMES, type AuditFilters } from "./search";
import type { Entry } from "./verify";

interface EntryTableProps {
  entries: Entry[];
  filters: AuditFilters;
  onChange: (changes: Record<string, string>) => void;
  onOpen: (entry: Entry) => void;
}

export function EntryTable({ entries, filters, onChange, onOpen }: EntryTableProps) {
  const t = useT();
  const rows = useLocalRows(entries);
  const columns = useMemo<Column<Entry>[]>(
    () => [
      {
        key: "action",
        header: t("audit.action"),
        width: 300,
        cell: (row) => (
          <button type="button" className="cds--link kh-link-button" onClick={() => onOpen(row)}>
            {row.record.event.action ?? t("audit.noAction")}
          </button>
        ),
      },
      { key: "time", header: t("audit.time"), width: 200, cell: ({ record }) => <Time value={record.event.eventTime} /> },
      { key: "outcome", header: t("audit.outcome"), width: 150, cell: ({ record }) => <Outcome outcome={record.event.outcome} code={record.event.reason?.reasonCode} /> },
      { key: "initiator", header: t("audit.initiator"), width: 240, cell: ({ record }) => <bdi>{record.event.initiator?.name ?? record.event.initiator?.id ?? "–"}</bdi> },
      { key: "instance", header: t("nav.instance"), width: 340, cell: ({ record }) => <code>{record.event.requestData?.instanceID ?? "–"}</code> },
      { key: "correlation", header: t("error.correlationId"), width: 340, cell: ({ record }) => <code>{record.event.correlationId ?? "–"}</code> },
      { key: "sealed", header: t("audit.sealed"), width: 170, cell: (row) => <Sealed isSealed={row.isSealed} /> },
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
      empty={<EmptyState title={t("audit.noMatch")} text={t("audit.noMatchMore")} />}
      toolbar={<Filters filters={filters} onChange={onChange} />}
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

function Filters({ filters, onChange }: { filters: AuditFilters; onChange: (changes: Record<string, string>) => void }) {
  const t = useT();
  const isFiltered = FILTER_NAMES.some((name) => filters[name]);
  const text = (name: "action" | "initiator" | "instance" | "correlation", label: string) => (
    <TextField id={`audit-${name}`} size="md" spellCheck={false} labelText={label} value={filters[name]} onChange={(event) => onChange({ [name]: event.target.value })} />
  );
  return (
    <>
      {text("action", t("audit.action"))}
      {text("initiator", t("audit.initiator"))}
      {text("instance", t("audit.target"))}
      {text("correlation", t("error.correlationId"))}
      <TextField id="audit-from" type="datetime-local" size="md" labelText={t("audit.from")} value={filters.from} onChange={(event) => onChange({ from: event.target.value })} />
      <TextField id="audit-until" type="datetime-local" size="md" labelText={t("audit.until")} value={filters.until} onChange={(event) => onChange({ until: event.target.value })} />
      <Select id="audit-outcome" labelText={t("audit.outcome")} value={filters.outcome} onChange={(event) => onChange({ outcome: event.target.value })}>
        <SelectItem value="" text={t("audit.all")} />
        <SelectItem value="success" text={t("audit.outcome.success")} />
        <SelectItem value="failure" text={t("audit.outcome.failure")} />
      </Select>
      <Select id="audit-severity" labelText={t("audit.severity")} value={filters.severity} onChange={(event) => onChange({ severity: event.target.value })}>
        <SelectItem value="" text={t("audit.all")} />
        <SelectItem value="normal" text={t("audit.severity.normal")} />
        <SelectItem value="warning" text={t("audit.severity.warning")} />
        <SelectItem value="critical" text={t("audit.severity.critical")} />
      </Select>
      {isFiltered && (
        <Button kind="ghost" size="md" onClick={() => onChange(Object.fromEntries(FILTER_NAMES.map((name) => [name, ""])))}>
          {t("keys.clearFilters")}
        </Button>
      )}
    </>
  );
}

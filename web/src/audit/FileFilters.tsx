// Filters over the records of opened files: they live in the URL and count at once.
import { Button, Select, SelectItem } from "@carbon/react";
import { TextField } from "../components/fields";
import { useT } from "../i18n";
import { FILTER_NAMES, type AuditFilters } from "./search";

export function FileFilters({ filters, onChange }: { filters: AuditFilters; onChange: (changes: Record<string, string>) => void }) {
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

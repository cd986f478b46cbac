// Filters of a search by the server: they count when the form is sent, because each search reads the log.
import { Button, Select, SelectItem } from "@carbon/react";
import { useEffect, useState } from "react";
import { TextField } from "../components/fields";
import { useT } from "../i18n";
import { SEARCH_NAMES, type SearchFilters } from "./search";

interface SearchFormProps {
  filters: SearchFilters;
  onSearch: (filters: SearchFilters) => void;
}

const NONE = Object.fromEntries(SEARCH_NAMES.map((name) => [name, ""])) as unknown as SearchFilters;

export function SearchForm({ filters, onSearch }: SearchFormProps) {
  const t = useT();
  const [draft, setDraft] = useState(filters);
  // The URL may change by itself: back, a link.
  useEffect(() => setDraft(filters), [filters]);
  const set = (name: keyof SearchFilters) => (event: { target: { value: string } }) => setDraft({ ...draft, [name]: event.target.value });
  const text = (name: keyof SearchFilters, label: string, helperText?: string) => (
    <TextField id={`search-${name}`} size="md" spellCheck={false} maxLength={256} labelText={label} helperText={helperText} value={draft[name]} onChange={set(name)} />
  );
  const isFiltered = SEARCH_NAMES.some((name) => filters[name] || draft[name]);
  return (
    <form
      className="kh-toolbar kh-search-form"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(draft);
      }}
    >
      {text("action", t("audit.action"), t("audit.actionForms"))}
      {text("initiator", t("audit.initiator"))}
      {text("instance", t("nav.instance"))}
      {text("target", t("audit.targetOnly"))}
      {text("correlation", t("error.correlationId"))}
      {text("text", t("audit.text"))}
      <TextField id="search-from" type="datetime-local" size="md" labelText={t("audit.from")} value={draft.from} onChange={set("from")} />
      <TextField id="search-until" type="datetime-local" size="md" labelText={t("audit.until")} value={draft.until} onChange={set("until")} />
      <Select id="search-outcome" labelText={t("audit.outcome")} value={draft.outcome} onChange={set("outcome")}>
        <SelectItem value="" text={t("audit.all")} />
        <SelectItem value="success" text={t("audit.outcome.success")} />
        <SelectItem value="failure" text={t("audit.outcome.failure")} />
      </Select>
      <Select id="search-severity" labelText={t("audit.severity")} value={draft.severity} onChange={set("severity")}>
        <SelectItem value="" text={t("audit.all")} />
        <SelectItem value="normal" text={t("audit.severity.normal")} />
        <SelectItem value="warning" text={t("audit.severity.warning")} />
        <SelectItem value="critical" text={t("audit.severity.critical")} />
      </Select>
      <Button type="submit" size="md">
        {t("audit.search")}
      </Button>
      {isFiltered && (
        <Button kind="ghost" size="md" onClick={() => onSearch(NONE)}>
          {t("keys.clearFilters")}
        </Button>
      )}
    </form>
  );
}

// Search and filters of the key list. They live in the URL, so a list can be sent to a colleague.
import { Button, Search, Select, SelectItem } from "@carbon/react";
import { useEffect, useState } from "react";
import { listRings, type KeyQuery, type KeyState } from "../api/keys";
import { useLoad } from "../components/load";
import { useT } from "../i18n";
import { useMay } from "../shell/permissions";

// What the API lists when no state is asked for.
const DEFAULT_STATES = "";
const STATES: KeyState[] = [1, 2, 3, 5];

export interface FilterValues {
  search: string;
  type: string;
  state: string;
  ring: string;
  sort: string;
}

export const readFilters = (query: URLSearchParams): FilterValues => ({
  search: query.get("search") ?? "",
  type: query.get("type") ?? "",
  state: query.get("state") ?? DEFAULT_STATES,
  ring: query.get("ring") ?? "",
  sort: query.get("sort") ?? "",
});

export function toKeyQuery(values: FilterValues): KeyQuery {
  const states = values.state === "all" ? [0 as KeyState, ...STATES] : values.state ? [Number(values.state) as KeyState] : undefined;
  return {
    search: values.search || undefined,
    ring: values.ring || undefined,
    states,
    extractable: values.type ? values.type === "standard" : undefined,
    sort: values.sort || undefined,
  };
}

export const isFiltered = (values: FilterValues) => Boolean(values.search || values.type || values.state || values.ring);

interface FiltersProps {
  instance: string;
  values: FilterValues;
  onChange: (changes: Record<string, string>) => void;
}

export function Filters({ instance, values, onChange }: FiltersProps) {
  const t = useT();
  const [search, setSearch] = useState(values.search);
  useEffect(() => setSearch(values.search), [values.search]);
  const may = useMay();
  // A caller whose rights end at some rings may not list them all, and chooses among those.
  const allowed = may.rings("secrets.list");
  const rings = useLoad(may("key-rings.list") ? `rings:${instance}` : null, (signal) => listRings(instance, signal));
  return (
    <>
      <form
        role="search"
        className="kh-search"
        onSubmit={(event) => {
          event.preventDefault();
          onChange({ search: search.trim() });
        }}
      >
        <Search
          size="md"
          labelText={t("keys.search")}
          placeholder={t("keys.search")}
          closeButtonLabelText={t("action.clear")}
          aria-describedby="keys-search-help"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          onClear={() => onChange({ search: "" })}
        />
      </form>
      <Select id="filter-type" labelText={t("keys.filterType")} value={values.type} onChange={(event) => onChange({ type: event.target.value })}>
        <SelectItem value="" text={t("keys.all")} />
        <SelectItem value="root" text={t("keys.root")} />
        <SelectItem value="standard" text={t("keys.standard")} />
      </Select>
      <Select id="filter-state" labelText={t("keys.filterState")} value={values.state} onChange={(event) => onChange({ state: event.target.value })}>
        <SelectItem value={DEFAULT_STATES} text={t("keys.notDestroyed")} />
        <SelectItem value="all" text={t("keys.all")} />
        {STATES.map((state) => (
          <SelectItem key={state} value={String(state)} text={t(`state.${state as 1 | 2 | 3 | 5}`)} />
        ))}
      </Select>
      <Select id="filter-ring" labelText={t("keys.filterRing")} value={values.ring} onChange={(event) => onChange({ ring: event.target.value })}>
        <SelectItem value="" text={t("keys.all")} />
        {ringNames(allowed ?? rings.data?.map(({ id }) => id), values.ring).map((id) => (
          <SelectItem key={id} value={id} text={id} />
        ))}
      </Select>
      <p id="keys-search-help" className="cds--form__helper-text kh-toolbar-help">
        {t("keys.searchHelp")}
      </p>
      {isFiltered(values) && (
        <Button kind="ghost" size="md" onClick={() => onChange({ search: "", type: "", state: "", ring: "" })}>
          {t("keys.clearFilters")}
        </Button>
      )}
    </>
  );
}

function ringNames(known: string[] | undefined, chosen: string): string[] {
  const names = known ?? [];
  return chosen && !names.includes(chosen) ? [...names, chosen] : names;
}

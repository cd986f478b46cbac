// The keys of a migration, as plan and progress show them: found by name or id, narrowed by one choice. Both are in the URL.
import { Select, SelectItem } from "@carbon/react";
import { useMemo } from "react";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { Section } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { useT, type TextKey } from "../i18n";
import { useQuery } from "../shell/router";
import { ClearFilters, SearchField } from "./parts";
import { isFound } from "./rules";

interface Row {
  source: string;
  name: string;
  // The key that came of it, when that is known.
  target: string;
}

export interface Choice<Of> {
  // Its name in the URL.
  query: "state" | "show";
  label: TextKey;
  values: readonly string[];
  nameOf: (value: string) => TextKey;
  isShown: (row: Of, value: string) => boolean;
}

interface KeyTableProps<Of extends Row> {
  name: string;
  keys: Of[];
  // Between the name and the key of the source.
  columns: Column<Of>[];
  more?: Column<Of>[];
  choice: Choice<Of>;
  onOpen: (source: string) => void;
}

export function KeyTable<Of extends Row>({ name, keys, columns, more, choice, onOpen }: KeyTableProps<Of>) {
  const t = useT();
  const [query, setQuery] = useQuery();
  const [chosen, search] = [query.get(choice.query) ?? "", query.get("search") ?? ""];
  const shown = useMemo(() => keys.filter((key) => (chosen === "" || choice.isShown(key, chosen)) && isFound(key, search)), [keys, choice, chosen, search]);
  const rows = useLocalRows(shown);
  const all = useMemo<Column<Of>[]>(
    () => [
      {
        key: "name",
        header: t("common.name"),
        width: 260,
        cell: (row) => (
          <button type="button" className="cds--link kh-link-button" dir="auto" onClick={() => onOpen(row.source)}>
            {row.name || row.source}
          </button>
        ),
      },
      ...columns,
      { key: "source", header: t("migration.sourceKey"), width: 330, cell: (row) => <code>{row.source}</code> },
      ...(more ?? []),
    ],
    [t, columns, more, onOpen],
  );
  return (
    <Section title={t("nav.keys")}>
      <DataTable
        name={`migration-${name}`}
        label={t("nav.keys")}
        columns={all}
        rows={rows}
        rowKey={(row) => row.source}
        empty={<EmptyState title={t(keys.length === 0 ? "migration.noKeys" : "migration.noMatch")} />}
        toolbar={
          <>
            <SearchField value={search} onChange={(value) => setQuery({ search: value })} />
            <Select id={`migration-${choice.query}`} labelText={t(choice.label)} value={chosen} onChange={(event) => setQuery({ [choice.query]: event.target.value })}>
              <SelectItem value="" text={t("keys.all")} />
              {choice.values.map((value) => (
                <SelectItem key={value} value={value} text={t(choice.nameOf(value))} />
              ))}
            </Select>
            {(chosen || search) && <ClearFilters onClear={() => setQuery({ [choice.query]: "", search: "" })} />}
          </>
        }
      />
    </Section>
  );
}

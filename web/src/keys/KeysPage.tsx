// The keys of an instance: search, filters, sorting, every action. 50,000 of them scroll in one list.
import { Button } from "@carbon/react";
import { useEffect, useMemo, useState } from "react";
import { ApiError } from "../api/api";
import { listKeys, type Key } from "../api/keys";
import { DataTable } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { Add, Download, Renew } from "../components/icons";
import { InlineNotice, useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Page } from "../components/Page";
import { useServerRows, type Rows } from "../components/rows";
import { useT } from "../i18n";
import { InitialiseBanner } from "../instances/state";
import { useInstance } from "../shell/instance";
import { navigate, useQuery } from "../shell/router";
import { AddKey } from "./AddKey";
import { keyColumns, keyPath } from "./columns";
import { Filters, isFiltered, readFilters, toKeyQuery } from "./Filters";
import { KeyActionDialog } from "./KeyActionDialog";
import { KeyMenu } from "./KeyMenu";
import type { KeyActionName } from "./rules";

type Adding = "create" | "import" | null;

// These open a part of the details page.
const TABS: Partial<Record<KeyActionName, string>> = { details: "", aliases: "?tab=aliases", rotationPolicy: "?tab=policies", resources: "?tab=resources" };

export default function KeysPage() {
  const t = useT();
  const notify = useNotify();
  const { guid, units } = useInstance();
  const [query, setQuery] = useQuery();
  const values = readFilters(query);
  const keyQuery = toKeyQuery(values);
  const [isIncomplete, setIncomplete] = useState(false);
  const rows = useServerRows<Key>(`keys:${guid}:${JSON.stringify(keyQuery)}`, async (offset, limit, signal) => {
    const page = await listKeys(guid, keyQuery, offset, limit, signal);
    setIncomplete(page.isIncomplete);
    return page;
  });
  const [adding, setAdding] = useState<Adding>(null);
  const [chosen, setChosen] = useState<{ item: Key; action: KeyActionName } | null>(null);
  const columns = useMemo(() => keyColumns(t, guid), [t, guid]);
  useReloadOnReturn(rows.reload);

  const choose = (item: Key, action: KeyActionName) => {
    const tab = TABS[action];
    if (tab !== undefined) navigate(keyPath(guid, item.id) + tab);
    else setChosen({ item, action });
  };
  return (
    <Page
      title={t("keys.title")}
      intro={t("keys.intro")}
      actions={
        <>
          <Button kind="ghost" renderIcon={Renew} onClick={rows.reload}>
            {t("action.refresh")}
          </Button>
          <MayButton needs="secrets.create" where="anywhere" kind="tertiary" renderIcon={Download} onClick={() => setAdding("import")}>
            {t("keys.import")}
          </MayButton>
          <MayButton needs="secrets.create" where="anywhere" keep renderIcon={Add} onClick={() => setAdding("create")}>
            {t("keys.create")}
          </MayButton>
        </>
      }
    >
      <InitialiseBanner units={units} />
      <TooBroad error={rows.error} />
      {isIncomplete && <InlineNotice kind="info" role="status" title={t("keys.incomplete")} />}
      <DataTable
        name="keys"
        label={t("keys.title")}
        columns={columns}
        rows={withoutTooBroad(rows)}
        rowKey={(row) => row.id}
        sort={values.sort}
        onSort={(sort) => setQuery({ sort })}
        menu={(row) => <KeyMenu item={row} onChoose={(action) => choose(row, action)} />}
        toolbar={<Filters instance={guid} values={values} onChange={setQuery} />}
        empty={isTooBroad(rows.error) ? null : isFiltered(values) ? <EmptyState title={t("keys.noMatch")} text={t("keys.noMatchMore")} /> : <EmptyState title={t("keys.empty")} text={t("keys.emptyMore")} />}
      />
      {adding && (
        <AddKey
          instance={guid}
          how={adding}
          ring={values.ring}
          onClose={() => setAdding(null)}
          onDone={(key) => {
            notify(t(adding === "create" ? "keyDone.create" : "keyDone.import", { name: key.name }));
            setAdding(null);
            rows.reload();
          }}
        />
      )}
      {chosen && (
        <KeyActionDialog
          instance={guid}
          item={chosen.item}
          action={chosen.action}
          onDone={() => {
            setChosen(null);
            rows.reload();
          }}
          onClose={() => {
            setChosen(null);
            // Whatever was refused in the dialog, the list behind it may be old.
            rows.reload();
          }}
        />
      )}
    </Page>
  );
}

// Somebody comes back to this tab: what another person did meanwhile is shown.
function useReloadOnReturn(reload: () => void) {
  useEffect(() => {
    const onVisible = () => {
      if (document.visibilityState === "visible") reload();
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => document.removeEventListener("visibilitychange", onVisible);
  }, [reload]);
}

const isTooBroad = (error: unknown) => error instanceof ApiError && error.code === "KEY_SEARCH_TOO_BROAD";
const withoutTooBroad = (rows: Rows<Key>): Rows<Key> => (isTooBroad(rows.error) ? { ...rows, total: rows.total ?? 0, error: undefined } : rows);

function TooBroad({ error }: { error: unknown }) {
  const t = useT();
  if (!isTooBroad(error)) return null;
  return <InlineNotice kind="info" role="status" title={t("keys.tooBroad")} subtitle={t("keys.tooBroadMore")} />;
}

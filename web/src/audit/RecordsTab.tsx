// The server's own search of its log.
import { Button } from "@carbon/react";
import { useMemo, useState } from "react";
import type { AuditRecords } from "../api/audit";
import { EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { InlineNotice } from "../components/notices";
import { localTime } from "../components/Time";
import { useI18n, useT } from "../i18n";
import { useQuery } from "../shell/router";
import type { Shown } from "./entries";
import { EntryDetails } from "./EntryDetails";
import { EntryTable } from "./EntryTable";
import { readSearch, searchOf } from "./search";
import { SearchForm } from "./SearchForm";
import { useSearch, type Search } from "./useSearch";

export function RecordsTab() {
  const t = useT();
  const [query, change] = useQuery();
  const [shown, setShown] = useState<Shown | null>(null);
  const filters = useMemo(() => readSearch(query), [query]);
  const asked = useMemo(() => searchOf(filters), [filters]);
  const search = useSearch(asked);
  return (
    <>
      <p>{t("audit.recordsMore")}</p>
      <SearchForm
        filters={filters}
        onSearch={(next) => {
          if (JSON.stringify(next) === JSON.stringify(filters)) search.restart();
          else change({ ...next });
        }}
      />
      <ErrorNotice error={search.error} onRetry={search.cursor ? search.lookFurther : search.restart} />
      <Damage findings={search.findings} />
      {(search.entries || !search.error) && (
        <EntryTable
          entries={search.entries}
          empty={<EmptyState title={t("audit.noMatch")} text={t(search.complete ? "audit.noMatchMore" : "audit.noMatchYet")} />}
          onOpen={setShown}
        />
      )}
      {search.entries && <Further search={search} />}
      {shown && <EntryDetails entry={shown} onClose={() => setShown(null)} />}
    </>
  );
}

// How far the search has looked, and the way on.
function Further({ search }: { search: Search }) {
  const { t, language } = useI18n();
  const time = search.lookedBackTo ? localTime(search.lookedBackTo, language, "long") : "";
  return (
    <div className="kh-page-actions">
      <p role="status">{search.complete ? t("audit.lookedAtAll") : t("audit.lookedBackTo", { time })}</p>
      {!search.complete && (
        <Button kind="tertiary" size="md" disabled={search.busy} onClick={search.lookFurther}>
          {t(search.busy ? "audit.looking" : "audit.lookFurther")}
        </Button>
      )}
    </div>
  );
}

function Damage({ findings }: { findings: AuditRecords["findings"] }) {
  const t = useT();
  if (findings.length === 0) return null;
  return (
    <InlineNotice kind="error" role="alert" title={t("audit.damage")}>
      <p>{t("audit.damageMore")}</p>
      <ul className="kh-list" lang="en">
        {findings.map(({ stream, segment, offset, problem }, index) => (
          <li key={index} dir="auto">
            {stream}, segment {segment}, offset {offset}: {problem}
          </li>
        ))}
      </ul>
    </InlineNotice>
  );
}

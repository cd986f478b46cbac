// One record with every member it has, and what proves it.
import { CopyableText } from "../components/CopyButton";
import { Dialog } from "../components/Dialog";
import { Fact, Facts } from "../components/Page";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { RouteLink } from "../shell/router";
import { linksOf, type Shown } from "./entries";
import { Sealed } from "./EntryTable";
import { fieldsOf } from "./search";

export function EntryDetails({ entry, onClose }: { entry: Shown; onClose: () => void }) {
  const t = useT();
  const { record, stream, isSealed } = entry;
  const links = linksOf(record.event);
  return (
    <Dialog title={record.event.action ?? t("audit.noAction")} size="lg" onClose={onClose}>
      <Facts>
        <Fact name={t("audit.time")}>
          <Time value={record.event.eventTime} exact />
        </Fact>
        {fieldsOf(record.event).map(([name, value], index) => (
          <Fact key={`${name}-${index}`} name={name}>
            <CopyableText value={value} what={name} />
          </Fact>
        ))}
      </Facts>
      {links.length > 0 && (
        <div className="kh-page-actions">
          {links.map(({ kind, path }) => (
            <RouteLink key={kind} to={path}>
              {t(`audit.link.${kind}`)}
            </RouteLink>
          ))}
        </div>
      )}
      <h3>{t("audit.proof")}</h3>
      <Facts>
        <Fact name={t("audit.sealed")}>
          <Sealed isSealed={isSealed} />
        </Fact>
        <Fact name={t("audit.stream")}>{stream}</Fact>
        <Fact name={t("audit.number")}>{String(record.seq)}</Fact>
        <Fact name={t("audit.hash")}>
          <CopyableText value={record.hash} what={t("audit.hash")} />
        </Fact>
        <Fact name={t("audit.prev")}>
          <CopyableText value={record.prev} what={t("audit.prev")} />
        </Fact>
      </Facts>
    </Dialog>
  );
}

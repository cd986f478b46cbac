// The life of a key: what happened and what is due, in order, with now in between.
import { listVersions, type Key, type KeyVersion } from "../api/keys";
import { ErrorNotice } from "../components/ErrorNotice";
import { useLoad } from "../components/load";
import { Time } from "../components/Time";
import { useT, type Translate } from "../i18n";
import type { PartProps } from "./KeyPage";
import { isRoot, isSetForDeletion } from "./rules";

interface Moment {
  at: string;
  text: string;
  kind: "past" | "now" | "future";
}

export function momentsOf(t: Translate, item: Key, versions: KeyVersion[], now: Date): Moment[] {
  const dated: [string | undefined, string][] = [
    [item.creationDate, t("timeline.created", { who: item.createdBy })],
    // The first version came with the key.
    ...versions.filter(({ id }) => id !== item.id).map(({ creationDate }): [string | undefined, string] => [creationDate, t("timeline.rotated")]),
    [item.lastUpdateDate, t("timeline.updated")],
    [isSetForDeletion(item) ? item.dualAuthDelete.authExpiration : undefined, t("timeline.authorised")],
    [item.expirationDate, t(item.state === 3 ? "timeline.expired" : "timeline.expires")],
    [item.deletionDate, t("timeline.deleted", { who: item.deletedBy ?? "" })],
    [item.restoreExpirationDate, t("timeline.restoreEnds")],
    [item.purgeAllowedFrom, t("timeline.purgeFrom")],
    [item.purgeScheduledOn, t("timeline.purge")],
  ];
  const moments = dated.flatMap(([at, text]): Moment[] => (at ? [{ at, text, kind: new Date(at) <= now ? "past" : "future" }] : []));
  moments.push({ at: now.toISOString(), text: t("timeline.now"), kind: "now" });
  return moments.sort((one, other) => new Date(one.at).getTime() - new Date(other.at).getTime());
}

export function KeyTimeline({ instance, item }: PartProps) {
  const t = useT();
  const versions = useLoad(isRoot(item) ? `versions:${instance}:${item.id}:${item.keyVersion?.id}` : null, (signal) => listVersions(instance, item.id, signal));
  return (
    <>
      <ErrorNotice error={versions.error} onRetry={versions.reload} />
      <ol className="kh-timeline">
        {momentsOf(t, item, versions.data ?? [], new Date()).map((moment, index) => (
          <li key={index} className={`kh-${moment.kind}`}>
            <strong>{moment.text}</strong>
            <br />
            <Time value={moment.at} />
          </li>
        ))}
      </ol>
    </>
  );
}

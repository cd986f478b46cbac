import { Tag } from "@carbon/react";
import type { Key } from "../api/keys";
import { Time as Clock, Undo } from "../components/icons";
import { localTime } from "../components/Time";
import { useI18n } from "../i18n";
import { isSetForDeletion } from "./rules";

const COLOURS = { 0: "gray", 1: "green", 2: "warm-gray", 3: "purple", 5: "red" } as const;

// The state, with the sign for "can still be restored" or "authorised for deletion" and its date on hover.
export function KeyStateTag({ item }: { item: Key }) {
  const { t, language } = useI18n();
  const restorable = item.state === 5 && item.restoreAllowed ? t("keys.restorableUntil", { time: localTime(item.restoreExpirationDate ?? "", language) }) : null;
  const authorised = isSetForDeletion(item) ? t("keys.authorisedUntil", { time: localTime(item.dualAuthDelete.authExpiration ?? "", language) }) : null;
  return (
    <span className="kh-state">
      <Tag size="sm" type={COLOURS[item.state]}>
        {t(`state.${item.state}`)}
      </Tag>
      {restorable && (
        <span role="img" aria-label={restorable} title={restorable}>
          <Undo />
        </span>
      )}
      {authorised && (
        <span role="img" aria-label={authorised} title={authorised}>
          <Clock />
        </span>
      )}
    </span>
  );
}

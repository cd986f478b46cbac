// The menu of one key: what its state allows, in the order people know.
import { OverflowMenu, OverflowMenuItem } from "@carbon/react";
import type { Key } from "../api/keys";
import { useT } from "../i18n";
import { actionsOf, type KeyActionName } from "./rules";

const DANGEROUS: KeyActionName[] = ["delete", "purge"];

export function KeyMenu({ item, onChoose }: { item: Key; onChoose: (action: KeyActionName) => void }) {
  const t = useT();
  return (
    <OverflowMenu size="md" flipped aria-label={t("action.more", { name: item.name })} iconDescription={t("action.more", { name: item.name })}>
      {actionsOf(item).map((name) => (
        <OverflowMenuItem key={name} itemText={t(`keyAction.${name}`)} isDelete={DANGEROUS.includes(name)} hasDivider={name === "delete"} onClick={() => onChoose(name)} />
      ))}
    </OverflowMenu>
  );
}

// The menu of one key: what its state and the roles of the caller allow, in the order people know.
import { OverflowMenu, OverflowMenuItem } from "@carbon/react";
import type { Key } from "../api/keys";
import { useT } from "../i18n";
import { useMay } from "../shell/permissions";
import { offered, type KeyActionName } from "./rules";

const DANGEROUS: KeyActionName[] = ["delete", "purge"];

export function KeyMenu({ item, onChoose }: { item: Key; onChoose: (action: KeyActionName) => void }) {
  const t = useT();
  const may = useMay();
  return (
    <OverflowMenu size="md" flipped aria-label={t("action.more", { name: item.name })} iconDescription={t("action.more", { name: item.name })}>
      {offered(item, may).map((name) => (
        <OverflowMenuItem key={name} itemText={t(`keyAction.${name}`)} isDelete={DANGEROUS.includes(name)} hasDivider={name === "delete"} onClick={() => onChoose(name)} />
      ))}
    </OverflowMenu>
  );
}

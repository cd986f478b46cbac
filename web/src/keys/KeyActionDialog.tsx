// The dialog of each action on a key. Disabling, scheduling and deleting ask for the key's name; purging for a tick.
import { Select, SelectItem } from "@carbon/react";
import { useState } from "react";
import { actOnKey, deleteKey, listRings, moveKey, purgeKey, restoreKey, rotateKey, type Key } from "../api/keys";
import { Confirm, type ConfirmProps } from "../components/Confirm";
import { Dialog } from "../components/Dialog";
import { TextField } from "../components/fields";
import { useAction, useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { localTime } from "../components/Time";
import { useI18n, useT, type I18n, type Translate } from "../i18n";
import { MaterialInput, isMaterial } from "./MaterialInput";
import { needsTwo, type KeyActionName } from "./rules";

interface KeyActionDialogProps {
  instance: string;
  item: Key;
  action: KeyActionName;
  // After success; the list is stale then.
  onDone: () => void;
  // After a refusal that says somebody else was faster, too.
  onClose: () => void;
}

type Plan = Pick<ConfirmProps, "title" | "confirmLabel" | "danger" | "typeName" | "accept" | "option" | "work"> & { more: string; done: string };

// The four hours after the deletion are not over yet.
const purgeFrom = (item: Key, t: Translate, language: string) => (item.purgeAllowed === false && item.purgeAllowedFrom ? ` ${t("keyDo.purgeFrom", { time: localTime(item.purgeAllowedFrom, language) })}` : "");

function planOf({ t, language }: I18n, instance: string, item: Key, action: KeyActionName): Plan | null {
  const { id, name } = item;
  const common = (which: "rotate" | "disable" | "enable" | "sync" | "schedule" | "unschedule" | "delete" | "restore" | "purge") => ({
    title: t(`keyAction.${which}`),
    confirmLabel: t(`keyAction.${which}`),
    more: t(`keyDo.${which}More`),
    done: t(`keyDone.${which}`, { name }),
  });
  switch (action) {
    case "rotate":
      return { ...common("rotate"), work: () => rotateKey(instance, id) };
    case "disable":
      return { ...common("disable"), danger: true, typeName: name, work: () => actOnKey(instance, id, "disable") };
    case "enable":
      return { ...common("enable"), work: () => actOnKey(instance, id, "enable") };
    case "sync":
      return { ...common("sync"), work: () => actOnKey(instance, id, "sync") };
    case "schedule":
      return { ...common("schedule"), danger: true, typeName: name, work: () => actOnKey(instance, id, "setKeyForDeletion") };
    case "unschedule":
      return { ...common("unschedule"), work: () => actOnKey(instance, id, "unsetKeyForDeletion") };
    case "delete":
      return {
        ...common("delete"),
        more: `${needsTwo(item) ? `${t("keyDo.deleteDualMore")} ` : ""}${t("keyDo.deleteMore")}`,
        danger: true,
        typeName: name,
        option: item.extractable ? undefined : t("keyDo.deleteForce"),
        work: (force) => deleteKey(instance, id, force),
      };
    case "restore":
      return { ...common("restore"), work: () => restoreKey(instance, id) };
    case "purge":
      return { ...common("purge"), more: `${t("keyDo.purgeMore")}${purgeFrom(item, t, language)}`, danger: true, accept: t("keyDo.purgeAccept"), work: () => purgeKey(instance, id) };
    case "details":
    case "aliases":
    case "rotationPolicy":
    case "resources":
    case "move":
      return null;
  }
}

export function KeyActionDialog({ instance, item, action, onDone, onClose }: KeyActionDialogProps) {
  const i18n = useI18n();
  const { t } = i18n;
  const notify = useNotify();
  const finish = (text: string) => {
    notify(text);
    onDone();
  };
  if (action === "move") return <MoveKey instance={instance} item={item} onClose={onClose} onDone={(ring) => finish(t("keyDone.move", { name: item.name, ring }))} />;
  if (action === "rotate" && item.imported) return <RotateImported instance={instance} item={item} onClose={onClose} onDone={() => finish(t("keyDone.rotate", { name: item.name }))} />;
  const plan = planOf(i18n, instance, item, action);
  if (!plan) return null;
  const { more, done, ...confirm } = plan;
  return (
    <Confirm {...confirm} onClose={onClose} onDone={() => finish(done)}>
      <p>
        <strong dir="auto" className="kh-name">
          {item.name}
        </strong>{" "}
        <code>{item.id}</code>
      </p>
      <p>{more}</p>
    </Confirm>
  );
}

function MoveKey({ instance, item, onClose, onDone }: { instance: string; item: Key; onClose: () => void; onDone: (ring: string) => void }) {
  const t = useT();
  const rings = useLoad(`rings:${instance}`, (signal) => listRings(instance, signal));
  const [ring, setRing] = useState(item.keyRingID);
  const action = useAction(
    () => moveKey(instance, item.id, ring),
    () => onDone(ring),
  );
  return (
    <Dialog title={t("keyAction.move")} busy={action.busy} error={action.error ?? rings.error} canSubmit={ring !== item.keyRingID} onSubmit={action.run} onClose={onClose}>
      <p>{t("keyDo.moveMore")}</p>
      <Select id="move-ring" data-modal-primary-focus labelText={t("keys.ring")} value={ring} onChange={(event) => setRing(event.target.value)}>
        {(rings.data ?? [{ id: item.keyRingID }]).map(({ id }) => (
          <SelectItem key={id} value={id} text={id} />
        ))}
      </Select>
    </Dialog>
  );
}

function RotateImported({ instance, item, onClose, onDone }: { instance: string; item: Key; onClose: () => void; onDone: () => void }) {
  const t = useT();
  const [material, setMaterial] = useState("");
  const action = useAction(() => rotateKey(instance, item.id, { payload: material.trim() }), onDone);
  return (
    <Dialog title={t("keyAction.rotate")} submitLabel={t("keyAction.rotate")} busy={action.busy} error={action.error} canSubmit={isMaterial(material, true)} onSubmit={action.run} onClose={onClose}>
      <TextField id="rotate-name" readOnly dir="auto" labelText={t("common.name")} value={item.name} />
      <p>
        {t("keyDo.rotateMore")} {t("keyDo.rotateImported")}
      </p>
      <MaterialInput root value={material} onChange={setMaterial} />
    </Dialog>
  );
}

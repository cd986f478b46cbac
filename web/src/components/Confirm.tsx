// Asks before something that is hard to take back: in words, with the name to be typed (`typeName`) or a box to be
// ticked (`accept`) where a slip would hurt.
import { Checkbox } from "@carbon/react";
import { useState, type ReactNode } from "react";
import { useT } from "../i18n";
import { Dialog } from "./Dialog";
import { TextField } from "./fields";
import { useAction } from "./load";

export interface ConfirmProps {
  title: string;
  confirmLabel: string;
  danger?: boolean;
  // The name that has to be typed, exactly.
  typeName?: string;
  // The statement that has to be ticked.
  accept?: string;
  // A statement that may be ticked; its state is given to `work`.
  option?: string;
  work: (option: boolean) => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  children?: ReactNode;
}

export function Confirm({ title, confirmLabel, danger, typeName, accept, option, work, onDone, onClose, children }: ConfirmProps) {
  const t = useT();
  const [typed, setTyped] = useState("");
  const [accepted, setAccepted] = useState(false);
  const [chosen, setChosen] = useState(false);
  const action = useAction(work, onDone);
  const isTyped = typeName === undefined || typed === typeName;
  return (
    <Dialog title={title} submitLabel={confirmLabel} danger={danger} busy={action.busy} error={action.error} canSubmit={isTyped && (!accept || accepted)} onSubmit={() => action.run(chosen)} onClose={onClose}>
      {children}
      {typeName !== undefined && (
        <TextField
          id="confirm-name"
          data-modal-primary-focus
          autoComplete="off"
          spellCheck={false}
          dir="auto"
          labelText={<bdi>{t("confirm.typeName", { name: typeName })}</bdi>}
          value={typed}
          invalid={typed.length >= typeName.length && !isTyped}
          invalidText={t("confirm.mismatch")}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
      {accept && <Checkbox id="confirm-accept" labelText={accept} checked={accepted} onChange={(_, { checked }) => setAccepted(checked)} />}
      {option && <Checkbox id="confirm-option" labelText={option} checked={chosen} onChange={(_, { checked }) => setChosen(checked)} />}
    </Dialog>
  );
}

// Asks before a register or a whole unit is erased: the unit's location has to be typed, and where stored keys would be lost,
// the id of the instance, too, as `keyhaven tke --accept-key-loss` asks.
import { Checkbox } from "@carbon/react";
import { useState } from "react";
import { Dialog } from "../components/Dialog";
import { TextField } from "../components/fields";
import { InlineNotice } from "../components/notices";
import type { UnitFacts } from "../crypto-units/facts";
import { useT } from "../i18n";
import type { Signer } from "../tke/administrator";
import { erase, type Erasing, type Outcome } from "./commands";
import type { Work } from "./work";

interface EraseProps {
  instance: string;
  unit: UnitFacts;
  what: Erasing;
  signers: readonly Signer[];
  work: Work;
  onDone: (outcome: Outcome) => void;
  onClose: () => void;
}

export function EraseDialog({ instance, unit, what, signers, work, onDone, onClose }: EraseProps) {
  const t = useT();
  const { location } = unit.unit;
  const [typed, setTyped] = useState("");
  const [loss, setLoss] = useState<boolean | null>(false);
  const run = () => {
    onClose();
    work.run("erase", async () => onDone(await erase(work.ask, instance, unit, what, loss === true, signers, work.tell)));
  };
  return (
    <Dialog title={t(`erase.${what}`)} submitLabel={t("erase.next")} danger canSubmit={typed === location && loss !== null} onSubmit={run} onClose={onClose}>
      <p>{t(`erase.${what}More`)}</p>
      <TypedName id="erase-location" data-modal-primary-focus name={location} value={typed} onChange={setTyped} />
      <KeyLoss instance={instance} onChange={setLoss} />
    </Dialog>
  );
}

// For proposals of the same commands: nothing but the keys that may be lost has to be decided when they are sent.
export function SendErasingDialog({ title, instance, onSend, onClose }: { title: string; instance: string; onSend: (acceptKeyLoss: boolean) => void; onClose: () => void }) {
  const t = useT();
  const [loss, setLoss] = useState<boolean | null>(false);
  return (
    <Dialog title={title} submitLabel={t("proposals.send")} danger canSubmit={loss !== null} onSubmit={() => onSend(loss === true)} onClose={onClose}>
      <p>{t("erase.send")}</p>
      <KeyLoss instance={instance} onChange={setLoss} />
    </Dialog>
  );
}

// Null while the box is ticked and the id is not typed yet.
function KeyLoss({ instance, onChange }: { instance: string; onChange: (loss: boolean | null) => void }) {
  const t = useT();
  const [accepts, setAccepts] = useState(false);
  const [typed, setTyped] = useState("");
  const tell = (ticked: boolean, id: string) => onChange(!ticked ? false : id === instance ? true : null);
  return (
    <>
      <Checkbox
        id="erase-loss"
        labelText={t("erase.loss")}
        checked={accepts}
        onChange={(_, { checked }) => {
          setAccepts(checked);
          tell(checked, typed);
        }}
      />
      {accepts && (
        <>
          <InlineNotice kind="warning" role="status" title={t("erase.lossMore")} />
          <TypedName
            id="erase-instance"
            name={instance}
            value={typed}
            onChange={(value) => {
              setTyped(value);
              tell(accepts, value);
            }}
          />
        </>
      )}
    </>
  );
}

function TypedName({ name, value, onChange, ...rest }: { id: string; name: string; value: string; onChange: (value: string) => void; "data-modal-primary-focus"?: boolean }) {
  const t = useT();
  return (
    <TextField
      {...rest}
      spellCheck={false}
      labelText={<bdi>{t("confirm.typeName", { name })}</bdi>}
      value={value}
      invalid={value.length >= name.length && value !== name}
      invalidText={t("confirm.mismatch")}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

import { Select, SelectItem } from "@carbon/react";
import { useState } from "react";
import { createInstance, type Instance } from "../api/instances";
import { Dialog } from "../components/Dialog";
import { TextField } from "../components/fields";
import { useAction } from "../components/load";
import { NumberField } from "../components/NumberField";
import { Progress } from "../components/Progress";
import { useT } from "../i18n";

const MAX_UNITS = 6;
const MAX_RECOVERY_UNITS = 2;
const MAX_NAME_BYTES = 180;

interface CreateInstanceProps {
  onClose: () => void;
  onDone: (created: Instance) => void;
}

export function CreateInstance({ onClose, onDone }: CreateInstanceProps) {
  const t = useT();
  const [name, setName] = useState("");
  const [units, setUnits] = useState(2);
  const [recovery, setRecovery] = useState(0);
  const [failover, setFailover] = useState(0);
  const [network, setNetwork] = useState<"public-and-private" | "private-only">("public-and-private");
  const action = useAction(
    () => createInstance({ name, resource_plan_id: "standard", parameters: { units, recovery_units: recovery, failover_units: failover, allowed_network: network } }),
    onDone,
  );
  const isNamed = name.trim() !== "" && new TextEncoder().encode(name).length <= MAX_NAME_BYTES;
  return (
    <Dialog title={t("instances.create")} submitLabel={t("action.create")} busy={action.busy} error={action.error} canSubmit={isNamed && failover <= units} onSubmit={action.run} onClose={onClose}>
      <TextField id="instance-name" data-modal-primary-focus dir="auto" autoComplete="off" labelText={t("common.name")} helperText={t("instances.nameHelp")} value={name} onChange={(event) => setName(event.target.value)} />
      <Count id="units" label={t("instances.units")} help={t("instances.unitsHelp")} min={1} max={MAX_UNITS} value={units} onChange={setUnits} />
      <Count id="recovery" label={t("instances.recoveryUnits")} help={t("instances.recoveryUnitsHelp")} min={0} max={MAX_RECOVERY_UNITS} value={recovery} onChange={setRecovery} />
      <Count id="failover" label={t("instances.failoverUnits")} help={t("instances.failoverUnitsHelp")} min={0} max={units} value={failover} onChange={setFailover} />
      <Select id="network" labelText={t("instances.network")} value={network} onChange={(event) => setNetwork(event.target.value as typeof network)}>
        <SelectItem value="public-and-private" text={t("instances.networkBoth")} />
        <SelectItem value="private-only" text={t("instances.networkPrivate")} />
      </Select>
      {action.busy && <Progress label={t("instances.creating")} />}
    </Dialog>
  );
}

interface CountProps {
  id: string;
  label: string;
  help: string;
  min: number;
  max: number;
  value: number;
  onChange: (value: number) => void;
}

const Count = ({ id, label, help, min, max, value, onChange }: CountProps) => (
  <NumberField id={`instance-${id}`} label={label} helperText={help} min={min} max={max} value={value} allowEmpty={false} disableWheel onChange={(_, state) => onChange(Number(state.value))} />
);

// What an instance asks of its keys, and whether their use is counted.
import { Checkbox, Toggle } from "@carbon/react";
import { useState } from "react";
import type { PolicyOf } from "../api/policies";
import { NumberField } from "../components/NumberField";
import { useT } from "../i18n";
import { PolicyForm, type PolicyPart } from "./PolicyForm";
import { ACCESS_RIGHTS, FREE, MAX_MONTHS, rightsOf, sameRights, type AccessRights } from "./rules";

const DEFAULT_MONTHS = 12;

export function DualAuthPolicy({ part }: { part: PolicyPart<PolicyOf<"dualAuthDelete">> }) {
  const t = useT();
  const stored = part.stored?.policy_data.enabled ?? false;
  const [enabled, setEnabled] = useState(stored);
  return (
    <PolicyForm
      part={part}
      title={t("policies.dual")}
      intro={t("policies.dualIntro")}
      setting={{ policy_type: "dualAuthDelete", policy_data: { enabled } }}
      isChanged={enabled !== stored}
      consequences={[t(enabled ? "policies.dualOn" : "policies.dualOff"), t("policies.onlyNewKeys")]}
    >
      <Checkbox id="policy-dual" labelText={t("policies.dualLabel")} checked={enabled} onChange={(_, { checked }) => setEnabled(checked)} />
    </PolicyForm>
  );
}

export function AccessPolicy({ part }: { part: PolicyPart<PolicyOf<"keyCreateImportAccess">> }) {
  const t = useT();
  const stored = rightsOf(part.stored);
  const [rights, setRights] = useState<AccessRights>(stored);
  // All as without the policy: it is switched off, which says the same.
  const enabled = !sameRights(rights, FREE);
  // Secure import only is a limit when it is ticked, the other four when they are not.
  const limits = ACCESS_RIGHTS.filter((name) => rights[name] !== FREE[name]);
  const consequences = [
    ...limits.map((name) => t(`policies.no.${name}`)),
    ...(enabled ? [] : [t("policies.accessFree")]),
    t("policies.existingKeysStay"),
  ];
  return (
    <PolicyForm
      part={part}
      title={t("policies.access")}
      intro={t("policies.accessIntro")}
      setting={{ policy_type: "keyCreateImportAccess", policy_data: enabled ? { enabled, attributes: rights } : { enabled } }}
      isChanged={!sameRights(rights, stored)}
      consequences={consequences}
    >
      <fieldset>
        <legend className="cds--label">{t("policies.accessLegend")}</legend>
        {ACCESS_RIGHTS.map((name) => (
          <Checkbox key={name} id={`policy-${name}`} labelText={t(`policies.right.${name}`)} checked={rights[name]} onChange={(_, { checked }) => setRights({ ...rights, [name]: checked })} />
        ))}
      </fieldset>
    </PolicyForm>
  );
}

export function RotationPolicy({ part }: { part: PolicyPart<PolicyOf<"rotation">> }) {
  const t = useT();
  const stored = part.stored?.policy_data;
  const storedMonths = stored?.enabled ? stored.attributes?.interval_month : undefined;
  const [enabled, setEnabled] = useState(stored?.enabled ?? false);
  const [months, setMonths] = useState(storedMonths ?? DEFAULT_MONTHS);
  return (
    <PolicyForm
      part={part}
      title={t("policies.rotation")}
      intro={t("policies.rotationIntro")}
      setting={{ policy_type: "rotation", policy_data: enabled ? { enabled, attributes: { interval_month: months } } : { enabled } }}
      isChanged={enabled !== (stored?.enabled ?? false) || (enabled && months !== storedMonths)}
      isValid={!enabled || (Number.isInteger(months) && months >= 1 && months <= MAX_MONTHS)}
      consequences={[enabled ? t("policies.rotationOn", { months }) : t("policies.rotationOff"), t("policies.onlyNewKeys")]}
    >
      <Toggle id="policy-rotation" labelText={t("policies.rotationLabel")} labelA={t("common.off")} labelB={t("common.on")} toggled={enabled} onToggle={setEnabled} />
      {enabled && (
        <NumberField
          id="policy-months"
          label={t("policies.rotationMonths")}
          helperText={t("policies.rotationHelp")}
          min={1}
          max={MAX_MONTHS}
          value={months}
          allowEmpty={false}
          disableWheel
          onChange={(_, state) => setMonths(Number(state.value))}
        />
      )}
    </PolicyForm>
  );
}

export function MetricsPolicy({ part }: { part: PolicyPart<PolicyOf<"metrics">> }) {
  const t = useT();
  const stored = part.stored?.policy_data.enabled ?? false;
  const [enabled, setEnabled] = useState(stored);
  return (
    <PolicyForm
      part={part}
      title={t("policies.metrics")}
      intro={t("policies.metricsIntro")}
      setting={{ policy_type: "metrics", policy_data: { enabled } }}
      isChanged={enabled !== stored}
      consequences={[t(enabled ? "policies.metricsOn" : "policies.metricsOff")]}
    >
      <Checkbox id="policy-metrics" labelText={t("policies.metricsLabel")} checked={enabled} onChange={(_, { checked }) => setEnabled(checked)} />
    </PolicyForm>
  );
}

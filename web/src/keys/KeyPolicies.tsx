// Scheduled rotation and dual-authorization delete of one key.
import { Slider, Toggle } from "@carbon/react";
import { useState } from "react";
import { readKeyPolicies, setKeyPolicy, type KeyPolicy } from "../api/keys";
import { Confirm } from "../components/Confirm";
import { ErrorNotice } from "../components/ErrorNotice";
import { useAction, useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { useT } from "../i18n";
import type { PartProps } from "./KeyPage";
import { isRoot, needsTwo, placeOf } from "./rules";

const DEFAULT_MONTHS = 12;
const MAX_MONTHS = 12;

interface Rotation {
  enabled: boolean;
  interval_month: number;
}

const rotationOf = (policies: KeyPolicy[]): Rotation | null => policies.map((policy) => ("rotation" in policy ? policy.rotation : null)).find((rotation) => rotation !== null) ?? null;

export function KeyPolicies(props: PartProps) {
  const { instance, item } = props;
  const loaded = useLoad(`policies:${instance}:${item.id}`, (signal) => readKeyPolicies(instance, item.id, signal));
  if (!loaded.data) return loaded.error ? <ErrorNotice error={loaded.error} onRetry={loaded.reload} /> : <Loading />;
  const reload = () => {
    loaded.reload();
    props.reload();
  };
  const rotation = rotationOf(loaded.data);
  return (
    <>
      {isRoot(item) && <RotationPolicy key={JSON.stringify(rotation)} {...props} reload={reload} stored={rotation} />}
      <DualAuthPolicy {...props} reload={reload} />
    </>
  );
}

function RotationPolicy({ instance, item, reload, stored }: PartProps & { stored: Rotation | null }) {
  const t = useT();
  const notify = useNotify();
  const [enabled, setEnabled] = useState(stored?.enabled ?? false);
  const [months, setMonths] = useState(stored?.interval_month ?? DEFAULT_MONTHS);
  const action = useAction(
    () => setKeyPolicy(instance, item.id, { rotation: { enabled, interval_month: months } }),
    () => {
      notify(t("keyDone.policy", { name: item.name }));
      reload();
    },
  );
  const isChanged = enabled !== (stored?.enabled ?? false) || (enabled && months !== stored?.interval_month);
  return (
    <Section title={t("details.rotationPolicy")}>
      <p>{stored?.enabled ? t("details.rotationOn", { months: stored.interval_month }) : t("details.rotationOff")}</p>
      {item.imported ? (
        <p className="kh-muted">{t("details.rotationImported")}</p>
      ) : (
        item.state !== 5 && (
          <div className="kh-form">
            <Toggle id="rotation-enabled" labelText={t("details.rotationEnabled")} labelA={t("common.off")} labelB={t("common.on")} toggled={enabled} onToggle={setEnabled} />
            {enabled && <Slider labelText={t("details.rotationMonths")} min={1} max={MAX_MONTHS} value={months} onChange={({ value }) => setMonths(value)} />}
            <ErrorNotice error={action.error} />
            <div>
              <MayButton needs="policies.write" where={placeOf(item)} keep size="md" disabled={!isChanged || action.busy} onClick={action.run}>
                {t("action.save")}
              </MayButton>
            </div>
          </div>
        )
      )}
    </Section>
  );
}

function DualAuthPolicy({ instance, item, reload }: PartProps) {
  const t = useT();
  const notify = useNotify();
  const [asking, setAsking] = useState(false);
  const isOn = needsTwo(item);
  return (
    <Section title={t("keys.dualAuth")}>
      <p>{t(isOn ? "details.dualOn" : "details.dualOff")}</p>
      {!isOn && item.state !== 5 && (
        <>
          <p className="kh-muted">{t("details.dualEnableMore")}</p>
          <MayButton needs="policies.write" where={placeOf(item)} keep kind="tertiary" size="md" onClick={() => setAsking(true)}>
            {t("details.dualEnable")}
          </MayButton>
        </>
      )}
      {asking && (
        <Confirm
          title={t("details.dualEnable")}
          confirmLabel={t("details.dualEnable")}
          accept={t("details.dualAccept")}
          work={() => setKeyPolicy(instance, item.id, { dualAuthDelete: { enabled: true } })}
          onClose={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            notify(t("keyDone.policy", { name: item.name }));
            reload();
          }}
        >
          <p>{t("details.dualOn")}. {t("details.dualEnableMore")}</p>
        </Confirm>
      )}
    </Section>
  );
}

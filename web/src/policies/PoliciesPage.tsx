// The policies of an instance: each has its own form and is saved alone.
import { Button } from "@carbon/react";
import { useState } from "react";
import { readInstancePolicies, type InstancePolicy, type PolicyType } from "../api/policies";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew } from "../components/icons";
import { useLoad } from "../components/load";
import { Page } from "../components/Page";
import { Loading } from "../components/Progress";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { AllowedIpPolicy, AllowedNetworkPolicy } from "./NetworkPolicies";
import { AccessPolicy, DualAuthPolicy, MetricsPolicy, RotationPolicy } from "./KeyRules";
import type { Outcome } from "./PolicyForm";
import { find } from "./rules";

export default function PoliciesPage() {
  const t = useT();
  const { guid } = useInstance();
  const loaded = useLoad(`instance-policies:${guid}`, (signal) => readInstancePolicies(guid, signal));
  return (
    <Page
      title={t("policies.title")}
      intro={t("policies.intro")}
      actions={
        <Button kind="ghost" renderIcon={Renew} onClick={loaded.reload}>
          {t("action.refresh")}
        </Button>
      }
    >
      <ErrorNotice error={loaded.error} onRetry={loaded.reload} />
      {loaded.loading && <Loading />}
      {loaded.data && <Policies guid={guid} policies={loaded.data} reload={loaded.reload} />}
    </Page>
  );
}

// A form begins anew when what is stored has changed, and only then: a refresh keeps what somebody is filling in.
function Policies({ guid, policies, reload }: { guid: string; policies: InstancePolicy[]; reload: () => void }) {
  const [outcomes, setOutcomes] = useState<Partial<Record<PolicyType, Outcome>>>({});
  const part = <Type extends PolicyType>(type: Type) => {
    const stored = find(policies, type);
    const onOutcome = (outcome: Outcome) => setOutcomes((before) => ({ ...before, [type]: outcome }));
    return { key: `${type}:${JSON.stringify(stored?.policy_data)}`, part: { guid, stored, reload, outcome: outcomes[type], onOutcome } };
  };
  const forms = {
    dual: part("dualAuthDelete"),
    network: part("allowedNetwork"),
    ip: part("allowedIP"),
    access: part("keyCreateImportAccess"),
    metrics: part("metrics"),
    rotation: part("rotation"),
  };
  return (
    <>
      <DualAuthPolicy key={forms.dual.key} part={forms.dual.part} />
      <AccessPolicy key={forms.access.key} part={forms.access.part} />
      <RotationPolicy key={forms.rotation.key} part={forms.rotation.part} />
      <AllowedNetworkPolicy key={forms.network.key} part={forms.network.part} />
      <AllowedIpPolicy key={forms.ip.key} part={forms.ip.part} />
      <MetricsPolicy key={forms.metrics.key} part={forms.metrics.part} />
    </>
  );
}

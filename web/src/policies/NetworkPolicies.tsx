// From where an instance may be called. Both can shut out the person who sets them, so both ask before they are saved.
import { RadioButton, RadioButtonGroup, Toggle } from "@carbon/react";
import { useState } from "react";
import type { PolicyOf } from "../api/policies";
import { TextAreaField } from "../components/fields";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { PolicyForm, type PolicyPart } from "./PolicyForm";
import { MAX_NETWORKS, networksOf } from "./rules";

type Network = "public-and-private" | "private-only";
const MAX_ROWS = 12;

export function AllowedNetworkPolicy({ part }: { part: PolicyPart<PolicyOf<"allowedNetwork">> }) {
  const t = useT();
  const { instance } = useInstance();
  const data = part.stored?.policy_data;
  const stored: Network = data?.enabled && data.attributes ? data.attributes.allowed_network : "public-and-private";
  const [network, setNetwork] = useState<Network>(stored);
  const isPrivate = network === "private-only";
  // Without a private listener the server gives the public address for both.
  const endpoints = instance?.extensions.endpoints;
  const hasPrivate = endpoints === undefined || endpoints.private !== endpoints.public;
  return (
    <PolicyForm
      part={part}
      title={t("policies.network")}
      intro={t("policies.networkIntro")}
      setting={{ policy_type: "allowedNetwork", policy_data: { enabled: true, attributes: { allowed_network: network } } }}
      isChanged={network !== stored}
      consequences={isPrivate ? [t("policies.privateOnly"), ...(hasPrivate ? [] : [t("policies.noPrivate")]), t("policies.wayBack")] : [t("policies.bothNetworks")]}
      accept={isPrivate ? t("policies.acceptPrivate") : undefined}
    >
      <RadioButtonGroup name="policy-network" orientation="vertical" legendText={t("policies.networkLegend")} valueSelected={network} onChange={(value) => setNetwork(value as Network)}>
        <RadioButton id="network-both" value="public-and-private" labelText={t("instances.networkBoth")} />
        <RadioButton id="network-private" value="private-only" labelText={t("instances.networkPrivate")} />
      </RadioButtonGroup>
    </PolicyForm>
  );
}

export function AllowedIpPolicy({ part }: { part: PolicyPart<PolicyOf<"allowedIP">> }) {
  const t = useT();
  const { instance } = useInstance();
  const data = part.stored?.policy_data;
  const before = data?.enabled ? (data.attributes?.allowed_ip ?? []) : [];
  const [enabled, setEnabled] = useState(data?.enabled ?? false);
  const [text, setText] = useState(before.join("\n"));
  const networks = networksOf(text);
  const limit = instance?.parameters.limits.allowed_ip_subnets ?? MAX_NETWORKS;
  const isCounted = !enabled || (networks.length >= 1 && networks.length <= limit);
  return (
    <PolicyForm
      part={part}
      title={t("policies.ip")}
      intro={t("policies.ipIntro")}
      setting={{ policy_type: "allowedIP", policy_data: enabled ? { enabled, attributes: { allowed_ip: networks } } : { enabled } }}
      isChanged={enabled !== (data?.enabled ?? false) || (enabled && networks.join() !== before.join())}
      isValid={isCounted}
      consequences={enabled ? [t("policies.ipOn", { count: networks.length }), t("policies.ipReplaces"), t("policies.ipYou"), t("policies.wayBack")] : [t("policies.ipOff")]}
      accept={enabled ? t("policies.acceptIp") : undefined}
    >
      <Toggle id="policy-ip" labelText={t("policies.ipLabel")} labelA={t("common.off")} labelB={t("common.on")} toggled={enabled} onToggle={setEnabled} />
      {enabled && (
        <TextAreaField
          id="policy-networks"
          rows={Math.min(MAX_ROWS, Math.max(4, networks.length + 1))}
          spellCheck={false}
          labelText={t("policies.networks")}
          helperText={t("policies.networksHelp", { limit })}
          value={text}
          invalid={text.trim() !== "" && !isCounted}
          invalidText={t("policies.networksTooMany", { limit })}
          onChange={(event) => setText(event.target.value)}
        />
      )}
    </PolicyForm>
  );
}

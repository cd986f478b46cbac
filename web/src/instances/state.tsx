// "active" says nothing about an instance: what matters is whether its units hold a master key.
import { Tag } from "@carbon/react";
import { allUnits, isInitialised, type CryptoUnits } from "../api/instances";
import { InlineNotice } from "../components/notices";
import { useT } from "../i18n";

export type InitState = "initialised" | "partly" | "not" | "unknown";

// Null or undefined: the caller may not see the units.
export function stateOf(units: CryptoUnits | null | undefined): InitState {
  if (!units) return "unknown";
  if (!isInitialised(units)) return "not";
  return allUnits(units).every((unit) => unit.state === "initialized" && unit.membership !== "waiting") ? "initialised" : "partly";
}

const LOOK = {
  initialised: { type: "green", text: "instances.initialised" },
  partly: { type: "warm-gray", text: "instances.partly" },
  not: { type: "red", text: "instances.notInitialised" },
  unknown: { type: "gray", text: "instances.unknown" },
} as const;

export function StateTag({ state }: { state: InitState }) {
  const t = useT();
  return (
    <Tag size="sm" type={LOOK[state].type}>
      {t(LOOK[state].text)}
    </Tag>
  );
}

// What is missing before the instance can hold keys, step by step; nothing when nothing is missing or known.
export function InitialiseBanner({ units }: { units: CryptoUnits | null | undefined }) {
  const t = useT();
  const state = stateOf(units);
  if (!units || state === "initialised" || state === "unknown") return null;
  const all = allUnits(units);
  const imprint = all.filter((unit) => unit.state === "imprint").length;
  const noKey = all.filter((unit) => unit.state === "uninitialized").length;
  const waiting = all.filter((unit) => unit.state === "initialized" && unit.membership === "waiting").length;
  return (
    <InlineNotice kind={state === "not" ? "warning" : "info"} role="status" title={t(state === "not" ? "instances.banner" : "instances.partly")}>
      <div data-testid="initialise-banner">
        {state === "not" && <p>{t("instances.bannerMore")}</p>}
        <ul className="kh-list">
          {imprint > 0 && <li>{t("instances.missingImprint", { count: imprint, total: all.length })}</li>}
          {noKey > 0 && <li>{t("instances.missingMasterKey", { count: noKey, total: all.length })}</li>}
          {waiting > 0 && <li>{t("instances.missingWaiting", { count: waiting })}</li>}
        </ul>
        <p>{t("instances.howToInitialise")}</p>
      </div>
    </InlineNotice>
  );
}

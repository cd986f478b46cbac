// The crypto units of an instance: each one, how they differ, how far a ceremony or a rotation is, what waits for
// signatures, what was done. Everything is for looking at; signing is on the page Ceremony, under `keyhaven console`.
import { Button, Tab, TabList, TabPanel, TabPanels, Tabs } from "@carbon/react";
import { OnlyLocal } from "../ceremony/OnlyLocal";
import { Proposals } from "../ceremony/Proposals";
import { Renew } from "../components/icons";
import { Page } from "../components/Page";
import { Loading } from "../components/Progress";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { RouteLink, useQuery } from "../shell/router";
import { useIsLocal } from "../shell/session";
import { Failure } from "./Failure";
import { planOf } from "./facts";
import { Compare, Overview } from "./Overview";
import { PlanList } from "./parts";
import { RotationPanel } from "./RotationPanel";
import { TranscriptPanel } from "./TranscriptPanel";
import { useUnits } from "./useUnits";

const TABS = ["units", "compare", "progress", "proposals", "rotation", "transcript"] as const;

export default function CryptoUnitsPage() {
  const t = useT();
  const isLocal = useIsLocal();
  const { guid } = useInstance();
  const [query, setQuery] = useQuery();
  const units = useUnits(guid);
  const state = units.data;
  const selected = Math.max(0, TABS.indexOf((query.get("tab") ?? "units") as (typeof TABS)[number]));
  return (
    <Page
      title={t("units.title")}
      intro={t(isLocal ? "units.introLocal" : "units.introServer")}
      actions={
        <Button kind="ghost" renderIcon={Renew} onClick={units.reload}>
          {t("action.refresh")}
        </Button>
      }
    >
      <Failure error={units.error} onRetry={units.reload} />
      <Tabs selectedIndex={selected} onChange={({ selectedIndex }) => setQuery({ tab: selectedIndex === 0 ? "" : (TABS[selectedIndex] ?? "") })}>
        <TabList aria-label={t("units.title")}>
          {TABS.map((name) => (
            <Tab key={name}>{t(`units.tab.${name}`)}</Tab>
          ))}
        </TabList>
        <TabPanels>
          {TABS.map((name, index) => (
            <TabPanel key={name}>
              {index !== selected ? null : !state ? (
                !units.error && <Loading />
              ) : name === "units" ? (
                <Overview units={state.units} />
              ) : name === "compare" ? (
                <Compare facts={state.facts} />
              ) : name === "progress" ? (
                <>
                  {state.facts.length > 0 && <PlanList plan={planOf(state.facts)} />}
                  <HowToSign instance={guid} />
                </>
              ) : name === "proposals" ? (
                <>
                  <Proposals instance={guid} facts={state.facts} />
                  <HowToSign instance={guid} />
                </>
              ) : name === "rotation" ? (
                <RotationPanel instance={guid} />
              ) : (
                <TranscriptPanel instance={guid} state={state} />
              )}
            </TabPanel>
          ))}
        </TabPanels>
      </Tabs>
    </Page>
  );
}

function HowToSign({ instance }: { instance: string }) {
  const t = useT();
  const isLocal = useIsLocal();
  return isLocal ? <RouteLink to={`/instances/${instance}/ceremony`}>{t("units.toCeremony")}</RouteLink> : <OnlyLocal instance={instance} />;
}

// The audit log: its records as the server finds them, its chains, and files of it that are checked in this browser.
import { Tab, TabList, TabPanel, TabPanels, Tabs } from "@carbon/react";
import { readAuditPublicKey } from "../api/audit";
import { useLoad } from "../components/load";
import { WithRole } from "../components/Needs";
import { Page } from "../components/Page";
import { useT } from "../i18n";
import { useMay } from "../shell/permissions";
import { useQuery } from "../shell/router";
import { ChainTab } from "./ChainTab";
import { LogReader } from "./LogReader";
import { RecordsTab } from "./RecordsTab";

const TABS = ["records", "chain", "files"] as const;

export default function AuditPage() {
  const t = useT();
  const [query, setQuery] = useQuery();
  // Files are for everybody who has them; the rest is the server's.
  const mayRead = useMay().everywhere("audit-log.read");
  const key = useLoad(mayRead ? "audit-key" : null, readAuditPublicKey);
  const publicKey = key.data?.public_key ?? "";
  const selected = Math.max(0, TABS.indexOf((query.get("tab") ?? "records") as (typeof TABS)[number]));
  return (
    <Page title={t("nav.audit")} intro={t("audit.intro")}>
      <Tabs selectedIndex={selected} onChange={({ selectedIndex }) => setQuery({ tab: selectedIndex === 0 ? "" : (TABS[selectedIndex] ?? "") })}>
        <TabList aria-label={t("nav.audit")}>
          {TABS.map((name) => (
            <Tab key={name}>{t(`audit.tab.${name}`)}</Tab>
          ))}
        </TabList>
        <TabPanels>
          {TABS.map((name, index) => (
            <TabPanel key={name}>
              {index !== selected ? null : name === "files" ? (
                <LogReader serverKey={publicKey} />
              ) : (
                <WithRole action={name === "records" ? "audit-log.search" : "audit-log.read"} where="everywhere">
                  {name === "records" ? <RecordsTab /> : <ChainTab publicKey={publicKey} />}
                </WithRole>
              )}
            </TabPanel>
          ))}
        </TabPanels>
      </Tabs>
    </Page>
  );
}

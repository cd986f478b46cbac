// Everything about one key, in tabs whose choice is in the URL.
import { Button, OverflowMenu, OverflowMenuItem, Tab, TabList, TabPanel, TabPanels, Tabs } from "@carbon/react";
import { useState } from "react";
import { ApiError } from "../api/api";
import { readKey, type Key } from "../api/keys";
import { CopyableText } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew } from "../components/icons";
import { useLoad } from "../components/load";
import { WithRole } from "../components/Needs";
import { InlineNotice } from "../components/notices";
import { Fact, Facts, Page } from "../components/Page";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { useMay } from "../shell/permissions";
import { navigate, useParameter, useQuery } from "../shell/router";
import { useTitle } from "../shell/title";
import { KeyActionDialog } from "./KeyActionDialog";
import { KeyAliases } from "./KeyAliases";
import { KeyPolicies } from "./KeyPolicies";
import { KeyResources } from "./KeyResources";
import { KeyStateTag } from "./KeyStateTag";
import { KeyTimeline } from "./KeyTimeline";
import { KeyVersions } from "./KeyVersions";
import { PayloadPanel } from "./PayloadPanel";
import { isRoot, isSetForDeletion, offered, placeOf, type KeyActionName } from "./rules";

const TABS = ["overview", "versions", "aliases", "policies", "resources", "timeline"] as const;
const TITLES = { overview: "details.overview", versions: "details.versions", aliases: "keys.aliases", policies: "details.policies", resources: "details.resources", timeline: "details.timeline" } as const;

// Actions that have a tab here.
const IN_TABS: KeyActionName[] = ["details", "aliases", "rotationPolicy", "resources"];
// Last, and quiet: nobody meets them on the way to another button.
const DANGEROUS: KeyActionName[] = ["disable", "schedule", "delete", "purge"];
// In a menu.
const RARE: KeyActionName[] = ["move", "sync"];

export interface PartProps {
  instance: string;
  item: Key;
  // The key has changed.
  reload: () => void;
}

export default function KeyPage() {
  const t = useT();
  const { guid, instance } = useInstance();
  const may = useMay();
  const id = useParameter("key");
  const [query, setQuery] = useQuery();
  const loaded = useLoad(`key:${guid}:${id}`, (signal) => readKey(guid, id, signal));
  const [action, setAction] = useState<KeyActionName | null>(null);
  const item = loaded.data;
  useTitle(item?.name, item && instance?.name);
  const isGone = loaded.error instanceof ApiError && loaded.error.status === 404;
  if (!item || isGone) return loaded.error ? <ErrorNotice error={loaded.error} onRetry={loaded.reload} /> : <Loading />;

  const selected = Math.max(0, TABS.findIndex((name) => name === query.get("tab")));
  const part = { instance: guid, item, reload: loaded.reload };
  const here = offered(item, may).filter((name) => !IN_TABS.includes(name));
  const rare = here.filter((name) => RARE.includes(name));
  const buttons = [...here.filter((name) => ![...RARE, ...DANGEROUS].includes(name)), ...DANGEROUS.filter((name) => here.includes(name))];
  return (
    <Page
      title={item.name}
      intro={<KeyStateTag item={item} />}
      actions={
        <>
          <Button kind="ghost" size="md" renderIcon={Renew} onClick={loaded.reload}>
            {t("action.refresh")}
          </Button>
          {buttons.map((name) => (
            <Button key={name} size="md" kind={DANGEROUS.includes(name) ? "danger--ghost" : "tertiary"} onClick={() => setAction(name)}>
              {t(`keyAction.${name}`)}
            </Button>
          ))}
          {rare.length > 0 && (
            <OverflowMenu size="md" flipped aria-label={t("action.more", { name: item.name })} iconDescription={t("action.more", { name: item.name })}>
              {rare.map((name) => (
                <OverflowMenuItem key={name} itemText={t(`keyAction.${name}`)} onClick={() => setAction(name)} />
              ))}
            </OverflowMenu>
          )}
        </>
      }
    >
      <ErrorNotice error={loaded.error} onRetry={loaded.reload} />
      <DualNotice item={item} />
      <Tabs selectedIndex={selected} onChange={({ selectedIndex }) => setQuery({ tab: selectedIndex === 0 ? "" : (TABS[selectedIndex] ?? "") })}>
        <TabList aria-label={t("details.title")}>
          {TABS.map((name) => (
            <Tab key={name}>{t(TITLES[name])}</Tab>
          ))}
        </TabList>
        <TabPanels>
          <TabPanel>{selected === 0 && <Overview {...part} />}</TabPanel>
          <TabPanel>{selected === 1 && <KeyVersions {...part} />}</TabPanel>
          <TabPanel>{selected === 2 && <KeyAliases {...part} />}</TabPanel>
          <TabPanel>{selected === 3 && <WithRole action="policies.read" where={placeOf(item)}><KeyPolicies {...part} /></WithRole>}</TabPanel>
          <TabPanel>{selected === 4 && <WithRole action="registrations.list" where={placeOf(item)}><KeyResources {...part} /></WithRole>}</TabPanel>
          <TabPanel>{selected === 5 && <KeyTimeline {...part} />}</TabPanel>
        </TabPanels>
      </Tabs>
      {action && (
        <KeyActionDialog
          instance={guid}
          item={item}
          action={action}
          onDone={() => {
            setAction(null);
            if (action === "purge") navigate(`/instances/${guid}/keys`);
            else loaded.reload();
          }}
          onClose={() => {
            setAction(null);
            loaded.reload();
          }}
        />
      )}
    </Page>
  );
}

// A deletion that waits for its second person is said before anything else.
function DualNotice({ item }: { item: Key }) {
  const t = useT();
  if (!isSetForDeletion(item)) return null;
  return (
    <InlineNotice kind="warning" role="status" title={t("keys.setForDeletion")}>
      <p>
        {t("keys.deletionExpires")}: <Time value={item.dualAuthDelete.authExpiration} />. {t("remedy.AUTHORIZATIONS_NOT_MET")}
      </p>
    </InlineNotice>
  );
}

function Overview({ instance, item }: PartProps) {
  const t = useT();
  return (
    <>
      <Facts>
        <Fact name={t("common.id")}>
          <CopyableText value={item.id} what={t("common.id")} />
        </Fact>
        <Fact name={t("instances.crn")}>
          <CopyableText value={item.crn} what={t("instances.crn")} />
        </Fact>
        <Fact name={t("keys.type")}>{t(isRoot(item) ? "keys.root" : "keys.standard")}</Fact>
        <Fact name={t("keys.origin")}>{t(item.imported ? "keys.imported" : "keys.generated")}</Fact>
        <Fact name={t("keys.ring")}>{item.keyRingID}</Fact>
        <Fact name={t("keys.algorithm")}>{`${item.algorithmType} ${item.algorithmBitSize}`}</Fact>
        {item.description && (
          <Fact name={t("keys.description")}>
            <span dir="auto">{item.description}</span>
          </Fact>
        )}
        {item.tags && <Fact name={t("keys.tags")}>{item.tags.join(", ")}</Fact>}
        {item.keyVersion && (
          <Fact name={t("keys.version")}>
            <CopyableText value={item.keyVersion.id} what={t("keys.version")} />
          </Fact>
        )}
        <Fact name={t("common.created")}>
          <Time value={item.creationDate} />
        </Fact>
        <Fact name={t("common.createdBy")}>
          <CopyableText value={item.createdBy} what={t("common.createdBy")} />
        </Fact>
        <Fact name={t("common.updated")}>
          <Time value={item.lastUpdateDate} />
        </Fact>
        <Fact name={t("keys.rotated")}>
          <Time value={item.lastRotateDate} />
        </Fact>
        <Fact name={t("keys.expires")}>
          <Time value={item.expirationDate} />
        </Fact>
        <Fact name={t("keys.dualAuth")}>{t(item.dualAuthDelete.enabled ? "details.dualOn" : "details.dualOff")}</Fact>
        {item.deletedBy && <Fact name={t("keys.deletedBy")}>{item.deletedBy}</Fact>}
      </Facts>
      {!isRoot(item) && item.state !== 5 && <PayloadPanel instance={instance} item={item} />}
    </>
  );
}

// One instance: where it is reached, whether it is initialised, how full it is.
import { Button } from "@carbon/react";
import { useState } from "react";
import { deleteInstance, renameInstance } from "../api/instances";
import { countKeys, listRings, type KeyState } from "../api/keys";
import { Confirm } from "../components/Confirm";
import { CopyableText } from "../components/CopyButton";
import { Dialog } from "../components/Dialog";
import { ErrorNotice } from "../components/ErrorNotice";
import { TextField } from "../components/fields";
import { Edit, Renew, TrashCan } from "../components/icons";
import { useAction, useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { MayButton, WithRole } from "../components/Needs";
import { Fact, Facts, Page, Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { useMay } from "../shell/permissions";
import { navigate, RouteLink } from "../shell/router";
import { InitialiseBanner, StateTag, stateOf } from "./state";

type Open = "rename" | "delete" | null;

export default function InstancePage() {
  const t = useT();
  const notify = useNotify();
  const { guid, instance, units, error, reload } = useInstance();
  const may = useMay();
  const [open, setOpen] = useState<Open>(null);
  if (!instance) return error ? <ErrorNotice error={error} onRetry={reload} /> : <Loading />;
  const endpoints = instance.extensions.endpoints;
  return (
    <Page
      title={instance.name}
      actions={
        <>
          <Button kind="ghost" renderIcon={Renew} onClick={reload}>
            {t("action.refresh")}
          </Button>
          <MayButton needs="instances.update" kind="tertiary" renderIcon={Edit} onClick={() => setOpen("rename")}>
            {t("instances.rename")}
          </MayButton>
          <MayButton needs="instances.delete" kind="danger--tertiary" renderIcon={TrashCan} onClick={() => setOpen("delete")}>
            {t("instances.delete")}
          </MayButton>
        </>
      }
    >
      <ErrorNotice error={error} onRetry={reload} />
      <InitialiseBanner units={units} />
      <Section title={t("instances.overview")} actions={may.anywhere("secrets.list") && <RouteLink to={`/instances/${guid}/keys`}>{t("instances.openKeys")}</RouteLink>}>
        <Facts>
          <Fact name={t("instances.state")}>
            <StateTag state={stateOf(units)} />
          </Fact>
          <Fact name={t("common.id")}>
            <CopyableText value={guid} what={t("common.id")} />
          </Fact>
          <Fact name={t("instances.crn")}>
            <CopyableText value={instance.crn} what={t("instances.crn")} />
          </Fact>
          <Fact name={t("instances.plan")}>{instance.resource_plan_id}</Fact>
          <Fact name={t("instances.region")}>{instance.region_id}</Fact>
          <Fact name={t("instances.units")}>{instance.parameters.units}</Fact>
          <Fact name={t("instances.recoveryUnits")}>{instance.parameters.recovery_units}</Fact>
          <Fact name={t("instances.failoverUnits")}>{instance.parameters.failover_units}</Fact>
          <Fact name={t("instances.network")}>{t(instance.parameters.allowed_network === "private-only" ? "instances.networkPrivate" : "instances.networkBoth")}</Fact>
          <Fact name={t("common.created")}>
            <Time value={instance.created_at} />
          </Fact>
        </Facts>
      </Section>
      <Section title={t("instances.connect")}>
        <Facts>
          <Endpoint name={t("instances.publicEndpoint")} value={endpoints.public} />
          <Endpoint name={t("instances.privateEndpoint")} value={endpoints.private} />
        </Facts>
      </Section>
      <Usage />
      {open === "rename" && (
        <Rename
          guid={guid}
          before={instance.name}
          onClose={() => setOpen(null)}
          onDone={(name) => {
            setOpen(null);
            notify(t("instances.renamed", { name }));
            reload();
          }}
        />
      )}
      {open === "delete" && (
        <Confirm
          title={t("instances.delete")}
          confirmLabel={t("action.delete")}
          danger
          typeName={instance.name}
          work={() => deleteInstance(guid)}
          onClose={() => setOpen(null)}
          onDone={() => {
            notify(t("instances.deleted", { name: instance.name }));
            navigate("/instances");
          }}
        >
          <p>{t("instances.deleteMore")}</p>
        </Confirm>
      )}
    </Page>
  );
}

function Endpoint({ name, value }: { name: string; value: string }) {
  const t = useT();
  return <Fact name={name}>{value ? <CopyableText value={value} what={name} /> : <span className="kh-muted">{t("instances.noEndpoint")}</span>}</Fact>;
}

const COUNTED: { state: KeyState; text: "instances.keysActive" | "instances.keysDisabled" | "instances.keysDeactivated" | "instances.keysDestroyed" }[] = [
  { state: 1, text: "instances.keysActive" },
  { state: 2, text: "instances.keysDisabled" },
  { state: 3, text: "instances.keysDeactivated" },
  { state: 5, text: "instances.keysDestroyed" },
];

async function readUsage(guid: string, signal: AbortSignal) {
  const [keys, rings, ...states] = await Promise.all([
    countKeys(guid, {}, signal),
    listRings(guid, signal).catch(() => null),
    ...COUNTED.map(({ state }) => countKeys(guid, { states: [state] }, signal)),
  ]);
  return { keys, rings: rings?.length, states };
}

function Usage() {
  const t = useT();
  const { guid, instance } = useInstance();
  const mayCount = useMay()("secrets.head");
  const usage = useLoad(mayCount ? `usage:${guid}` : null, (signal) => readUsage(guid, signal));
  const limits = instance?.parameters.limits;
  const of = (used: number | undefined, limit: number | undefined) => (used === undefined ? "–" : t("instances.limitOf", { used: used.toLocaleString(), limit: (limit ?? 0).toLocaleString() }));
  return (
    <Section title={t("instances.limits")}>
      <ErrorNotice error={usage.error} onRetry={usage.reload} />
      <WithRole action="secrets.head">
        <Facts>
          <Fact name={t("instances.keysCount")}>{of(usage.data?.keys, limits?.keys)}</Fact>
          <Fact name={t("nav.keyRings")}>{of(usage.data?.rings, limits?.key_rings)}</Fact>
          {COUNTED.map(({ state, text }, index) => (
            <Fact key={state} name={t(text)}>
              {usage.data?.states[index]?.toLocaleString() ?? "–"}
            </Fact>
          ))}
        </Facts>
      </WithRole>
    </Section>
  );
}

interface RenameProps {
  guid: string;
  before: string;
  onClose: () => void;
  onDone: (name: string) => void;
}

function Rename({ guid, before, onClose, onDone }: RenameProps) {
  const t = useT();
  const [name, setName] = useState(before);
  const action = useAction(
    () => renameInstance(guid, name),
    (changed) => onDone(changed.name),
  );
  return (
    <Dialog title={t("instances.rename")} busy={action.busy} error={action.error} canSubmit={name.trim() !== "" && name !== before} onSubmit={action.run} onClose={onClose}>
      <TextField id="instance-name" data-modal-primary-focus dir="auto" autoComplete="off" labelText={t("common.name")} helperText={t("instances.nameHelp")} value={name} onChange={(event) => setName(event.target.value)} />
    </Dialog>
  );
}

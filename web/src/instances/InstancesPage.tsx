// All instances that the caller may see.
import { Button, Tag } from "@carbon/react";
import { useState } from "react";
import { listInstances, type Instance } from "../api/instances";
import { CopyableText } from "../components/CopyButton";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { Add, Renew } from "../components/icons";
import { useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Page } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT, type Translate } from "../i18n";
import { unitsOrNull } from "../shell/instance";
import { usePermissionsOf } from "../shell/permissions";
import { navigate, RouteLink } from "../shell/router";
import { CreateInstance } from "./CreateInstance";
import { stateOf, StateTag } from "./state";

const columns = (t: Translate): Column<Instance>[] => [
  { key: "name", header: t("common.name"), width: 240, cell: (row) => <RouteLink to={`/instances/${row.guid}`} dir="auto" title={row.name}>{row.name}</RouteLink> },
  { key: "state", header: t("common.state"), width: 190, stacked: true, cell: (row) => <InstanceState guid={row.guid} /> },
  { key: "plan", header: t("instances.plan"), width: 120, cell: (row) => <Tag size="sm">{row.resource_plan_id}</Tag> },
  { key: "region", header: t("instances.region"), width: 110, cell: (row) => row.region_id },
  { key: "units", header: t("instances.units"), width: 120, cell: (row) => row.parameters.units },
  { key: "created", header: t("common.created"), width: 200, cell: (row) => <Time value={row.created_at} /> },
  { key: "id", header: t("common.id"), width: 380, cell: (row) => <CopyableText value={row.guid} what={t("copy.of", { what: t("common.id"), name: row.name })} /> },
];

// Asked for each row that is in view; there are few instances and the answer is small.
function InstanceState({ guid }: { guid: string }) {
  const { may, settled } = usePermissionsOf(guid);
  const maySee = may("tke-cryptounit.list");
  const units = useLoad(settled && maySee ? `units:${guid}` : null, (signal) => unitsOrNull(guid, signal));
  return units.loading || !settled ? <span className="kh-skeleton" /> : <StateTag state={stateOf(units.data)} />;
}

export default function InstancesPage() {
  const t = useT();
  const notify = useNotify();
  const [creating, setCreating] = useState(false);
  const loaded = useLoad("instances", listInstances);
  const rows = useLocalRows(loaded.data, loaded.error, loaded.reload);
  return (
    <Page
      title={t("instances.title")}
      intro={t("instances.intro")}
      actions={
        <>
          <Button kind="ghost" renderIcon={Renew} onClick={loaded.reload}>
            {t("action.refresh")}
          </Button>
          <MayButton needs="instances.create" where="everywhere" keep renderIcon={Add} onClick={() => setCreating(true)}>
            {t("instances.create")}
          </MayButton>
        </>
      }
    >
      <DataTable
        name="instances"
        label={t("instances.title")}
        columns={columns(t)}
        rows={rows}
        rowKey={(row) => row.guid}
        empty={<EmptyState title={t("instances.empty")} text={t("instances.emptyMore")} />}
      />
      {creating && (
        <CreateInstance
          onClose={() => setCreating(false)}
          onDone={(created) => {
            for (const warning of created.warnings ?? []) notify(warning, "warning");
            notify(t("instances.created", { name: created.name }));
            navigate(`/instances/${created.guid}`);
          }}
        />
      )}
    </Page>
  );
}

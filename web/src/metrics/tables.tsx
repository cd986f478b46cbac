// Totals by API, and what is known of each instance.
import { Tag } from "@carbon/react";
import { useMemo } from "react";
import { ApiError } from "../api/api";
import { allUnits, type CryptoUnits } from "../api/instances";
import { readInstancePolicies } from "../api/policies";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { useLoad } from "../components/load";
import { useLocalRows } from "../components/rows";
import { useT } from "../i18n";
import { StateTag, stateOf } from "../instances/state";
import { unitsOrNull } from "../shell/instance";
import { RouteLink } from "../shell/router";
import { isCounted, type ApiRow, type Snapshot } from "./series";

const decimals = (value: number) => value.toLocaleString(undefined, { maximumFractionDigits: 2 });

export function ApiTable({ rows }: { rows: ApiRow[] }) {
  const t = useT();
  const local = useLocalRows(rows);
  const columns = useMemo<Column<ApiRow>[]>(
    () => [
      { key: "api", header: t("metrics.api"), width: 260, cell: (row) => <code>{row.api}</code> },
      { key: "calls", header: t("metrics.calls"), width: 130, cell: (row) => row.calls.toLocaleString() },
      { key: "refused", header: t("metrics.refused"), width: 150, cell: (row) => row.refused.toLocaleString() },
      { key: "failed", header: t("metrics.failed"), width: 150, cell: (row) => (row.failed > 0 ? <Tag type="red" size="sm">{row.failed.toLocaleString()}</Tag> : 0) },
      { key: "mean", header: t("metrics.meanMs"), width: 170, cell: (row) => decimals(row.meanMs) },
      { key: "rate", header: t("metrics.now"), width: 170, cell: (row) => decimals(row.perSecond) },
    ],
    [t],
  );
  return <DataTable name="metrics-api" label={t("metrics.byApi")} columns={columns} rows={local} rowKey={(row) => row.api} empty={<EmptyState title={t("metrics.nothingCounted")} text={t("metrics.nothingCountedMore")} />} />;
}

interface InstanceRow {
  guid: string;
  keys: number;
  isCounted: boolean;
}

export function InstanceTable({ snapshot, names }: { snapshot: Snapshot; names: Map<string, string> }) {
  const t = useT();
  const rows = useMemo<InstanceRow[]>(() => [...snapshot.keys].map(([guid, keys]) => ({ guid, keys, isCounted: isCounted(snapshot, guid) })), [snapshot]);
  const local = useLocalRows(rows);
  const columns = useMemo<Column<InstanceRow>[]>(
    () => [
      {
        key: "name",
        header: t("common.name"),
        width: 280,
        cell: (row) => (
          <RouteLink to={`/instances/${row.guid}`} dir="auto">
            {names.get(row.guid) ?? row.guid}
          </RouteLink>
        ),
      },
      { key: "keys", header: t("metrics.keys"), width: 130, cell: (row) => row.keys.toLocaleString() },
      { key: "counted", header: t("metrics.policy"), width: 260, cell: (row) => (row.isCounted ? t("common.on") : <Uncounted guid={row.guid} />) },
      { key: "units", header: t("instances.units"), width: 300, cell: (row) => <Units guid={row.guid} /> },
    ],
    [t, names],
  );
  return <DataTable name="metrics-instances" label={t("metrics.byInstance")} columns={columns} rows={local} rowKey={(row) => row.guid} empty={<EmptyState title={t("instances.empty")} />} />;
}

async function metricsPolicy(guid: string, signal: AbortSignal): Promise<boolean | null> {
  try {
    return (await readInstancePolicies(guid, signal)).some((policy) => policy.policy_type === "metrics" && policy.policy_data.enabled);
  } catch (error) {
    if (error instanceof ApiError && error.isRefusal) return null;
    throw error;
  }
}

// No figures: because the policy is off, or because nothing was called since it was switched on.
function Uncounted({ guid }: { guid: string }) {
  const t = useT();
  const policy = useLoad(`metrics-policy:${guid}`, (signal) => metricsPolicy(guid, signal));
  if (policy.loading) return <span className="kh-muted">–</span>;
  if (policy.data) return <>{t("metrics.noCallYet")}</>;
  return <RouteLink to={`/instances/${guid}/policies`}>{t(policy.data === false ? "metrics.policyOff" : "metrics.policyUnknown")}</RouteLink>;
}

function Units({ guid }: { guid: string }) {
  const t = useT();
  const units = useLoad(`metrics-units:${guid}`, (signal) => unitsOrNull(guid, signal));
  if (units.loading) return <span className="kh-muted">–</span>;
  return (
    <>
      <StateTag state={stateOf(units.data)} /> {units.data && t("metrics.unitsReady", readyUnits(units.data))}
    </>
  );
}

const readyUnits = (units: CryptoUnits) => {
  const all = allUnits(units);
  return { ready: all.filter((unit) => unit.state === "initialized" && unit.membership !== "waiting").length, total: all.length };
};

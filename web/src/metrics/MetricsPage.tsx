// How the server fares while this page is open: rates, refusals, latencies, health. The server keeps totals only; the
// page reads them again and again and shows what happened in between.
import { Button, Select, SelectItem } from "@carbon/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ApiError } from "../api/api";
import { listInstances } from "../api/instances";
import { readMetrics, readReadiness } from "../api/metrics";
import { EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew } from "../components/icons";
import { useLoad, usePolling } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Fact, Facts, Page, Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useQuery } from "../shell/router";
import { Health } from "./Health";
import { LineChart } from "./LineChart";
import { parse } from "./prometheus";
import { apiRows, intervals, MAX_SNAPSHOTS, snapshotOf, type Snapshot } from "./series";
import { ApiTable, InstanceTable } from "./tables";

const EVERY_SECONDS = [5, 10, 30, 60];

async function read(signal: AbortSignal): Promise<Snapshot> {
  const text = await readMetrics(signal);
  return snapshotOf(parse(text), Date.now());
}

// Reads again by itself, but never while an answer is on its way (a slow server would never be waited for), and not
// after a refusal: each would be a record of somebody who may not.
function useReading() {
  const isReading = useRef(false);
  const loaded = useLoad("metrics", (signal) => {
    isReading.current = true;
    return read(signal).finally(() => (isReading.current = false));
  });
  const health = useLoad("metrics-readyz", readReadiness);
  const [reload, reloadHealth] = [loaded.reload, health.reload];
  const isRefused = loaded.error instanceof ApiError && loaded.error.isRefusal;
  const now = useCallback(() => {
    reload();
    reloadHealth();
  }, [reload, reloadHealth]);
  const inTurn = useCallback(() => {
    if (!isReading.current && !isRefused) now();
  }, [now, isRefused]);
  return { loaded, health, now, inTurn };
}

export default function MetricsPage() {
  const t = useT();
  const [query, change] = useQuery();
  const instance = query.get("instance") ?? "";
  const [seconds, setSeconds] = useState(10);
  const { loaded, health, now, inTurn } = useReading();
  const instances = useLoad("metrics-instances", listInstances);
  const [history, setHistory] = useState<Snapshot[]>([]);
  useEffect(() => {
    if (loaded.data) setHistory((before) => [...before, loaded.data!].slice(-MAX_SNAPSHOTS));
  }, [loaded.data]);
  usePolling(seconds > 0 ? seconds * 1000 : null, inTurn);

  const names = useMemo(() => new Map(instances.data?.map(({ guid, name }) => [guid, name])), [instances.data]);
  const latest = history.at(-1);
  return (
    <Page
      title={t("nav.metrics")}
      intro={t("metrics.intro")}
      actions={
        <Button kind="ghost" renderIcon={Renew} onClick={now}>
          {t("metrics.readNow")}
        </Button>
      }
    >
      <ErrorNotice error={loaded.error} onRetry={loaded.reload} />
      {loaded.loading && <Loading />}
      <Section title={t("metrics.health")}>
        <ErrorNotice error={health.error} onRetry={health.reload} />
        {health.data && <Health readiness={health.data} />}
        {latest && (
          <Facts>
            <Fact name={t("metrics.version")}>{latest.version}</Fact>
            <Fact name={t("metrics.since")}>
              <Time value={latest.started === undefined ? undefined : new Date(latest.started * 1000).toISOString()} />
            </Fact>
            <Fact name={t("metrics.suppressed")}>{latest.suppressed?.toLocaleString() ?? "–"}</Fact>
          </Facts>
        )}
      </Section>
      {latest && (
        <>
          <div className="kh-toolbar">
            <Select id="metrics-instance" labelText={t("nav.instance")} value={instance} onChange={(event) => change({ instance: event.target.value })}>
              <SelectItem value="" text={t("metrics.all")} />
              {[...latest.keys.keys()].map((guid) => (
                <SelectItem key={guid} value={guid} text={names.get(guid) ?? guid} />
              ))}
            </Select>
            <Select id="metrics-every" labelText={t("metrics.every")} value={seconds} onChange={(event) => setSeconds(Number(event.target.value))}>
              {EVERY_SECONDS.map((value) => (
                <SelectItem key={value} value={value} text={t("metrics.seconds", { count: value })} />
              ))}
              <SelectItem value={0} text={t("metrics.paused")} />
            </Select>
          </div>
          <p className="kh-muted">{t("metrics.cost")}</p>
          <Charts history={history} instance={instance} />
          <Section title={t("metrics.byApi")}>
            <ApiTable rows={apiRows(history, instance)} />
          </Section>
          <Section title={t("metrics.byInstance")}>
            <p>{t("metrics.byInstanceMore")}</p>
            <InstanceTable snapshot={latest} names={names} />
          </Section>
        </>
      )}
    </Page>
  );
}

function Charts({ history, instance }: { history: Snapshot[]; instance: string }) {
  const t = useT();
  const latest = history.at(-1)!;
  const steps = useMemo(() => intervals(history, instance), [history, instance]);
  const hasCounts = [...latest.counts.values()].some((count) => !instance || count.instance === instance);
  if (!hasCounts) return <EmptyState title={t("metrics.nothingCounted")} text={t("metrics.nothingCountedMore")} />;
  const times = steps.map(({ at }) => at);
  return (
    <>
      {steps.length === 0 && <InlineNotice kind="info" role="status" title={t("metrics.secondReading")} />}
      <div className="kh-charts">
        <LineChart title={t("metrics.rate")} unit={t("metrics.perSecond")} times={times} lines={[{ name: t("metrics.calls"), kind: "main", values: steps.map((step) => step.callsPerSecond) }]} />
        <LineChart
          title={t("metrics.errors")}
          unit={t("metrics.perSecond")}
          times={times}
          lines={[
            { name: t("metrics.refused"), kind: "warning", values: steps.map((step) => step.refusedPerSecond) },
            { name: t("metrics.failed"), kind: "danger", values: steps.map((step) => step.failedPerSecond) },
          ]}
        />
        <LineChart title={t("metrics.latency")} unit={t("metrics.ms")} times={times} lines={[{ name: t("metrics.mean"), kind: "main", values: steps.map((step) => step.meanMs) }]} />
      </div>
    </>
  );
}

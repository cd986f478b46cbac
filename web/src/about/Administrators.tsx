// What only administrators may ask: how the units' state is sealed, and whether the store is as the units sealed it.
// The server records a refusal as critical, so who was refused once is not asked for again while the page is open.
import { Button, Tag } from "@carbon/react";
import { useState } from "react";
import { ApiError } from "../api/api";
import { readSealing, readStoreVerification, verifyStore, type Sealing, type StoreVerification } from "../api/metrics";
import { CopyableText } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { useAction, useLoad } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Fact, Facts, Section } from "../components/Page";
import { Loading, Progress } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useSession } from "../shell/session";

interface Findings {
  sealing: Sealing;
  atStart: StoreVerification;
}

const refused = new Set<string>();

// Null: the caller is no administrator.
async function read(caller: string, signal: AbortSignal): Promise<Findings | null> {
  if (refused.has(caller)) return null;
  try {
    const sealing = await readSealing(signal);
    return { sealing, atStart: await readStoreVerification(signal) };
  } catch (error) {
    if (!(error instanceof ApiError && error.isRefusal)) throw error;
    refused.add(caller);
    return null;
  }
}

export function Administrators() {
  const t = useT();
  const { session } = useSession();
  const loaded = useLoad(`about-administrators:${session.id}`, async (signal) => ({ found: await read(session.id, signal) }));
  if (loaded.error) return <ErrorNotice error={loaded.error} onRetry={loaded.reload} />;
  if (!loaded.data) return <Loading />;
  const { found } = loaded.data;
  if (!found) return <p className="kh-muted">{t("about.administratorsOnly")}</p>;
  return (
    <>
      <SealingSection sealing={found.sealing} />
      <StoreSection atStart={found.atStart} />
    </>
  );
}

function SealingSection({ sealing }: { sealing: Sealing }) {
  const t = useT();
  const isWeak = sealing.method === "file" || !sealing.detects_old_state;
  return (
    <Section title={t("about.sealing")}>
      <p>{t("about.sealingMore")}</p>
      <Facts>
        <Fact name={t("about.sealingMethod")}>
          <code>{sealing.method}</code>
        </Fact>
        <Fact name={t("about.sealingReference")}>{sealing.reference ? <code>{sealing.reference}</code> : t("common.none")}</Fact>
        <Fact name={t("about.oldState")}>
          <Tag size="sm" type={sealing.detects_old_state ? "green" : "red"}>
            {t(sealing.detects_old_state ? "about.oldStateFound" : "about.oldStateNotFound")}
          </Tag>
        </Fact>
        <Fact name={t("about.saves")}>{sealing.saves.toLocaleString()}</Fact>
      </Facts>
      <InlineNotice kind={isWeak ? "warning" : "info"} role="status" title={t(isWeak ? "about.sealingWeak" : "about.sealingAdvice")}>
        <span lang="en">{sealing.advice}</span>
      </InlineNotice>
    </Section>
  );
}

function StoreSection({ atStart }: { atStart: StoreVerification }) {
  const t = useT();
  const [now, setNow] = useState<StoreVerification | null>(null);
  const action = useAction(verifyStore, setNow);
  return (
    <Section
      title={t("about.store")}
      actions={
        <Button kind="tertiary" size="sm" disabled={action.busy} onClick={action.run}>
          {t("about.storeNow")}
        </Button>
      }
    >
      <p>{t("about.storeMore")}</p>
      {action.busy && <Progress label={t("about.storeChecking")} />}
      <ErrorNotice error={action.error} />
      {now && <Check title={t("about.storeFoundNow")} check={now} />}
      <Check title={t("about.storeAtStart")} check={atStart} />
    </Section>
  );
}

function Check({ title, check }: { title: string; check: StoreVerification }) {
  const t = useT();
  return (
    <div data-testid="store-check">
      <h3>{title}</h3>
      <p>
        <Time value={check.checked_at} /> · {t("about.storeRecords", { count: check.records.toLocaleString() })} ·{" "}
        <Tag size="sm" type={check.faults === 0 ? "green" : "red"}>
          {check.faults === 0 ? t("about.storeWhole") : t("about.storeFaults", { count: check.faults.toLocaleString() })}
        </Tag>
      </p>
      {check.suspects.length > 0 && (
        <div className="kh-chart-table" tabIndex={0} role="region" aria-label={title}>
          <table className="cds--data-table cds--data-table--sm">
            <thead>
              <tr>
                <th scope="col">{t("about.table")}</th>
                <th scope="col">{t("nav.instance")}</th>
                <th scope="col">{t("common.id")}</th>
                <th scope="col">{t("about.fault")}</th>
              </tr>
            </thead>
            <tbody>
              {check.suspects.map((suspect, index) => (
                <tr key={index}>
                  <td>{suspect.table}</td>
                  <td>{suspect.instance_id ?? "–"}</td>
                  <td>
                    <bdi>{suspect.id}</bdi>
                  </td>
                  <td>{t(`about.fault.${suspect.fault}`)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {check.unnamed > 0 && <p>{t("about.storeUnnamed", { count: check.unnamed.toLocaleString() })}</p>}
      {check.differences.map((difference) => (
        <p key={difference.difference}>
          {t("about.difference", { instance: difference.instance_id ?? "–" })} <CopyableText value={difference.difference} what={t("about.differenceName")} />
        </p>
      ))}
    </div>
  );
}

// The ceremony: administrators, thresholds, key parts, commit, activation; several people at several machines. Nothing of
// it is remembered here: where it stands is read from the units each time, so a page that is reloaded goes on where they are.
// Signature keys and key parts are in this page's memory and go with it.
import { Button } from "@carbon/react";
import { useCallback, useEffect, useState } from "react";
import { readRotation } from "../api/rotation";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew } from "../components/icons";
import { useLoad } from "../components/load";
import { InlineNotice, useNotify } from "../components/notices";
import { Page, Section } from "../components/Page";
import { Loading, Progress } from "../components/Progress";
import { Failure } from "../crypto-units/Failure";
import { newPatternsAgree, planOf, takersOf, valueOf, ASPECTS, type Plan, type UnitFacts } from "../crypto-units/facts";
import { PlanList } from "../crypto-units/parts";
import { useBackOff } from "../crypto-units/polling";
import { RotationPanel } from "../crypto-units/RotationPanel";
import { useUnits, type UnitsState } from "../crypto-units/useUnits";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { RouteLink } from "../shell/router";
import { useIsLocal, useSession } from "../shell/session";
import type { Signer } from "../tke/administrator";
import { enrol } from "./actions";
import { Installed } from "./Installed";
import { KeyParts } from "./KeyParts";
import { OtherCommands } from "./OtherCommands";
import { Proposals } from "./Proposals";
import { Recovery } from "./Recovery";
import { useAsk } from "./SignDialog";
import { Signers } from "./Signers";
import { Activate, Commit, Thresholds } from "./Steps";
import { useWork } from "./work";

export default function CeremonyPage() {
  const t = useT();
  const isLocal = useIsLocal();
  const { guid, instance } = useInstance();
  const units = useUnits(guid);
  const state = units.data;
  return (
    <Page
      title={t("ceremony.title")}
      intro={t("ceremony.intro", { name: instance?.name ?? guid })}
      actions={
        <Button kind="ghost" renderIcon={Renew} onClick={units.reload}>
          {t("action.refresh")}
        </Button>
      }
    >
      {!isLocal && <OnlyLocal instance={guid} />}
      <Failure error={units.error} onRetry={units.reload} />
      {!state && !units.error && <Loading />}
      {state && (isLocal ? <Ceremony instance={guid} state={state} reload={units.reload} /> : <Section title={t("ceremony.plan")}>{state.facts.length > 0 && <PlanList plan={planOf(state.facts)} />}</Section>)}
    </Page>
  );
}

// A page that the server delivered could be made to betray a key.
function OnlyLocal({ instance }: { instance: string }) {
  const t = useT();
  const { environment } = useSession();
  return (
    <>
      <InlineNotice kind="info" role="status" title={t("ceremony.onlyLocal")} subtitle={t("ceremony.onlyLocalMore")} />
      <pre tabIndex={0}>{[`keyhaven console --url ${environment.server}`, `keyhaven tke init --instance ${instance}`, `keyhaven tke proposals --instance ${instance}`].join("\n")}</pre>
    </>
  );
}

const stateOf = (facts: readonly UnitFacts[]) => facts.map((one) => ASPECTS.map((aspect) => valueOf(one, aspect)).join(" ")).join("|");

interface CeremonyProps {
  instance: string;
  state: UnitsState;
  reload: () => void;
}

function Ceremony({ instance, state, reload }: CeremonyProps) {
  const t = useT();
  const notify = useNotify();
  const shell = useInstance();
  const [signers, setSigners] = useState<Signer[]>([]);
  const [turn, setTurn] = useState(0);
  const { ask, dialog } = useAsk();
  const { facts, units } = state;
  const after = useCallback(() => {
    setTurn((value) => value + 1);
    reload();
  }, [reload]);
  const work = useWork(ask, after);
  useBackOff(stateOf(facts), reload);
  const rotation = useLoad(`rotation-of:${instance}`, (signal) => readRotation(instance, signal));
  const plan = planOf(facts, rotation.data?.phase === "resealed");
  const { complete } = plan;
  const reloadShell = shell.reload;
  useEffect(() => {
    if (complete) reloadShell();
  }, [complete, reloadShell]);
  const unbelieved = units.filter(({ facts: read }) => !read);
  const enrolSigner = (signer: Signer) =>
    work.run("enrol", async () => {
      if (await enrol(ask, instance, facts, signer, signers, work.tell)) notify(t("signers.enrolled", { name: signer.name }));
    });
  const step = { instance, facts, plan, signers, work };
  return (
    <>
      {unbelieved.map(({ unit, error }) => (
        <Section key={unit.hsm_id} title={unit.location}>
          <Failure error={error} onRetry={reload} />
        </Section>
      ))}
      <Section title={t("ceremony.plan")} actions={<RouteLink to={`/instances/${instance}/crypto-units`}>{t("ceremony.toUnits")}</RouteLink>}>
        <PlanList plan={plan} />
      </Section>
      {work.busy && work.progress && <Progress label={t("common.working")} done={work.progress.done} total={work.progress.total} />}
      <Failure error={work.error} />
      <ErrorNotice error={rotation.error} />
      {unbelieved.length === 0 ? (
        <>
          <Signers signers={signers} facts={facts} onChange={setSigners} onEnrol={enrolSigner} busy={work.busy !== null} />
          <Proposals instance={instance} root={state.root} facts={facts} signers={signers} work={work} onChange={reload} turn={turn} />
          <Installed {...step} />
          <CurrentStep {...step} plan={plan} reload={rotation.reload} />
          <Recovery {...step} stored={rotation.data?.stored.length ?? 0} />
          <OtherCommands {...step} root={state.root} />
        </>
      ) : (
        <InlineNotice kind="error" role="alert" title={t("ceremony.stopped")} subtitle={t("ceremony.stoppedMore")} />
      )}
      {dialog}
    </>
  );
}

interface CurrentStepProps {
  instance: string;
  facts: readonly UnitFacts[];
  plan: Plan;
  signers: readonly Signer[];
  work: ReturnType<typeof useWork>;
  reload: () => void;
}

function CurrentStep({ reload, ...step }: CurrentStepProps) {
  const { instance, facts, plan, signers, work } = step;
  const now = plan.steps.find(({ state }) => state === "now")?.name;
  // With a key in place a new one may be loaded: a rotation begins so.
  const takers = takersOf(facts);
  return (
    <>
      {(now === "thresholds" || now === "administrators") && <Thresholds {...step} />}
      {(now === "load" || plan.complete) && takers.length > 0 && <KeyParts instance={instance} facts={takers} signers={signers} work={work} />}
      {facts.some((one) => one.pending && !one.pendingCommitted) && (now === "commit" || !newPatternsAgree(facts)) && <Commit {...step} />}
      {plan.rotating && (now === "reseal" || now === "activate") && <RotationPanel instance={instance} onChange={reload} />}
      {now === "activate" && <Activate {...step} />}
    </>
  );
}

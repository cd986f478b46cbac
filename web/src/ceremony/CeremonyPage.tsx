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
import { isDistrusted, newPatternsAgree, planOf, takersOf, valueOf, ASPECTS, type Plan, type UnitFacts } from "../crypto-units/facts";
import { PlanList } from "../crypto-units/parts";
import { useBackOff } from "../crypto-units/polling";
import { RotationPanel } from "../crypto-units/RotationPanel";
import { useUnits, type UnitsState } from "../crypto-units/useUnits";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";
import { RouteLink } from "../shell/router";
import { useIsLocal } from "../shell/session";
import { COMMAND } from "../tke/admin";
import type { Signer } from "../tke/administrator";
import { enrol } from "./actions";
import { Faults } from "./Faults";
import { Installed } from "./Installed";
import { KeyParts } from "./KeyParts";
import { OnlyLocal } from "./OnlyLocal";
import { OtherCommands } from "./OtherCommands";
import { Proposals } from "./Proposals";
import { Recovery } from "./Recovery";
import { useAsk } from "./SignDialog";
import { Signers } from "./Signers";
import { Activate, Commit, Thresholds } from "./Steps";
import { useParts, type Parts } from "./useParts";
import { useWork, type Work } from "./work";

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
      {state && (isLocal ? <Ceremony instance={guid} state={state} error={units.error} reload={units.reload} /> : <Section title={t("ceremony.plan")}>{state.facts.length > 0 && <PlanList plan={planOf(state.facts)} />}</Section>)}
    </Page>
  );
}

const stateOf = (facts: readonly UnitFacts[]) => facts.map((one) => ASPECTS.map((aspect) => valueOf(one, aspect)).join(" ")).join("|");

interface CeremonyProps {
  instance: string;
  state: UnitsState;
  // Why the last look failed.
  error: unknown;
  reload: () => void;
}

// What the last look at the units says. "stopped": an answer was false; "unread": a look failed, so what is shown is as it was.
function standingOf({ units }: UnitsState, error: unknown): "known" | "unread" | "stopped" {
  const errors = [error, ...units.map((one) => one.error)].filter((one) => one !== undefined);
  return errors.some(isDistrusted) ? "stopped" : errors.length > 0 ? "unread" : "known";
}

function Ceremony({ instance, state, error, reload }: CeremonyProps) {
  const t = useT();
  const notify = useNotify();
  const shell = useInstance();
  const [signers, setSigners] = useState<Signer[]>([]);
  const parts = useParts();
  const [turn, setTurn] = useState(0);
  // When the last work ended: what was read before is over.
  const [ended, setEnded] = useState(0);
  const [waiting, setWaiting] = useState<readonly number[]>([]);
  const { ask, dialog } = useAsk();
  const { facts, units } = state;
  const rotation = useLoad(`rotation-of:${instance}`, (signal) => readRotation(instance, signal));
  const reloadRotation = rotation.reload;
  const after = useCallback(() => {
    setTurn((value) => value + 1);
    setEnded(performance.now());
    reload();
    reloadRotation();
  }, [reload, reloadRotation]);
  const work = useWork(ask, after);
  useBackOff(stateOf(facts), reload);
  const plan = planOf(facts, rotation.data?.phase === "resealed");
  const standing = standingOf(state, error);
  // Nothing is offered on what may be over.
  const offered: Work = standing !== "known" || state.began < ended ? { ...work, busy: work.busy ?? "look" } : work;
  const isWhole = facts.length === units.length;
  const complete = plan.complete && isWhole;
  const reloadShell = shell.reload;
  useEffect(() => {
    if (complete) reloadShell();
  }, [complete, reloadShell]);
  const { dropAll } = parts;
  const isTaken = offered.busy === null && takersOf(facts).length === 0;
  useEffect(() => {
    // All units have taken their parts, these or others: what is sealed is for a moment that is over.
    if (isTaken) dropAll();
  }, [isTaken, dropAll]);
  const enrolSigner = (signer: Signer) =>
    work.run("enrol", async () => {
      if (await enrol(ask, instance, facts, signer, signers, work.tell)) notify(t("signers.enrolled", { name: signer.name }));
    });
  const step = { instance, facts, plan, signers, work: offered };
  return (
    <>
      <Unread units={units} reload={reload} />
      {isWhole && (
        <Section title={t("ceremony.plan")} actions={<RouteLink to={`/instances/${instance}/crypto-units`}>{t("ceremony.toUnits")}</RouteLink>}>
          <PlanList plan={plan} />
        </Section>
      )}
      {work.busy && work.progress && <Progress label={t("common.working")} done={work.progress.done} total={work.progress.total} />}
      <Failure error={work.error} />
      <Faults facts={facts} />
      <ErrorNotice error={rotation.error} />
      {standing === "stopped" && <InlineNotice kind="error" role="alert" title={t("ceremony.stopped")} subtitle={t("ceremony.stoppedMore")} />}
      {standing === "unread" && <InlineNotice kind="warning" role="status" title={t("ceremony.paused")} subtitle={t("ceremony.pausedMore")} />}
      {standing !== "stopped" && facts.length > 0 && (
        <>
          <Signers signers={signers} facts={facts} onChange={setSigners} onEnrol={enrolSigner} busy={offered.busy !== null} />
          <Proposals instance={instance} root={state.root} facts={facts} signers={signers} work={offered} onChange={reload} turn={turn} onWaiting={setWaiting} />
          <Installed {...step} />
          <CurrentStep {...step} parts={parts} waiting={waiting} reload={rotation.reload} />
          <Recovery {...step} rotation={rotation.error === undefined ? rotation.data : undefined} />
          <OtherCommands {...step} root={state.root} />
          {dialog}
        </>
      )}
    </>
  );
}

function Unread({ units, reload }: { units: UnitsState["units"]; reload: () => void }) {
  return units
    .filter(({ error }) => error !== undefined)
    .map(({ unit, error }) => (
      <Section key={unit.hsm_id} title={unit.location}>
        <Failure error={error} onRetry={reload} />
      </Section>
    ));
}

interface CurrentStepProps {
  instance: string;
  facts: readonly UnitFacts[];
  plan: Plan;
  signers: readonly Signer[];
  parts: Parts;
  work: Work;
  // Commands of the proposals that wait.
  waiting: readonly number[];
  reload: () => void;
}

function CurrentStep({ parts, reload, waiting, ...step }: CurrentStepProps) {
  const { instance, facts, plan, signers, work } = step;
  const now = plan.steps.find(({ state }) => state === "now")?.name;
  // With a key in place a new one may be loaded: a rotation begins so.
  const takers = takersOf(facts);
  // An open part stays in its owner's reach whatever the units do.
  const isTurn = takers.length > 0 && (now === "load" || plan.complete || parts.sealed.length > 0);
  return (
    <>
      {(now === "thresholds" || now === "administrators") && <Thresholds {...step} isProposed={waiting.includes(COMMAND.setAttributes)} />}
      {(isTurn || parts.opened.length > 0) && <KeyParts instance={instance} facts={facts} takers={takers} parts={parts} signers={signers} work={work} />}
      {facts.some((one) => one.pending && !one.pendingCommitted) && (now === "commit" || !newPatternsAgree(facts)) && <Commit {...step} />}
      {plan.rotating && (now === "reseal" || now === "activate") && <RotationPanel instance={instance} onChange={reload} />}
      {now === "activate" && <Activate {...step} />}
    </>
  );
}

// The steps of a ceremony that several administrators sign, and the last one, which one signs.
import { Button, Checkbox } from "@carbon/react";
import { useState } from "react";
import { CopyableText } from "../components/CopyButton";
import { TextField } from "../components/fields";
import { InlineNotice, useNotify } from "../components/notices";
import { NumberField } from "../components/NumberField";
import { Fact, Facts, Section } from "../components/Page";
import { newPatternsAgree, pendingState, type Plan, type UnitFacts } from "../crypto-units/facts";
import { Register } from "../crypto-units/parts";
import { useT } from "../i18n";
import { toHex } from "../tke/bytes";
import type { Signer } from "../tke/administrator";
import { isImprint, MAX_THRESHOLD } from "../tke/attributes";
import { activate, clearNew, commit, setThresholds } from "./actions";
import type { Work } from "./work";

interface StepProps {
  instance: string;
  facts: readonly UnitFacts[];
  plan: Plan;
  signers: readonly Signer[];
  work: Work;
}

const MAX_NOTE = 240;

// Why the buttons beside it are grey.
export function KeyFirst({ signers }: { signers: readonly Signer[] }) {
  const t = useT();
  return signers.length > 0 ? null : <span className="kh-needs-role">{t("ceremony.openFirst")}</span>;
}

export function Thresholds({ instance, facts, signers, work, isProposed }: StepProps & { isProposed: boolean }) {
  const t = useT();
  const notify = useNotify();
  const most = Math.min(MAX_THRESHOLD, ...facts.map((one) => one.administrators.length));
  const [signature, setSignature] = useState(2);
  const [revocation, setRevocation] = useState(2);
  const [note, setNote] = useState("");
  const hasRecovery = facts.some(({ unit }) => unit.type === "recovery");
  const [prepared, setPrepared] = useState(true);
  // Those in imprint mode first; with none left the thresholds of all are changed.
  const imprint = facts.filter((one) => isImprint(one.attributes));
  const takers = imprint.length > 0 ? imprint : facts;
  const isPossible = (value: number) => value >= 1 && value <= most;
  const [touched, setTouched] = useState(false);
  const change = (set: (value: number) => void) => (value: number) => {
    setTouched(true);
    set(value);
  };
  const propose = () =>
    work.run("thresholds", async () => {
      if (await setThresholds(work.ask, instance, takers, { signature, revocation, prepared: hasRecovery && prepared }, signers, note, work.tell)) notify(t("steps.proposed"));
    });
  return (
    <Section title={t("thresholds.title")}>
      <p>{t("thresholds.intro")}</p>
      <p role="status">{t("thresholds.have", { most })}</p>
      {isProposed && <InlineNotice kind="info" role="status" title={t("thresholds.waits")} />}
      <div className="kh-form">
        <div className="kh-row">
          <Threshold id="signature-threshold" label={t("thresholds.signature")} help={t("thresholds.signatureHelp")} value={signature} invalid={touched && !isPossible(signature)} most={most} onChange={change(setSignature)} />
          <Threshold id="revocation-threshold" label={t("thresholds.revocation")} help={t("thresholds.revocationHelp")} value={revocation} invalid={touched && !isPossible(revocation)} most={most} onChange={change(setRevocation)} />
        </div>
        {hasRecovery && <Checkbox id="thresholds-prepared" labelText={t("thresholds.prepared")} checked={prepared} onChange={(_, { checked }) => setPrepared(checked)} />}
        <TextField id="thresholds-note" dir="auto" maxLength={MAX_NOTE} labelText={t("steps.note")} value={note} onChange={(event) => setNote(event.target.value)} />
        {(signature === 1 || revocation === 1) && <InlineNotice kind="warning" role="status" title={t("thresholds.one")} />}
        <p className="kh-page-actions">
          <Button size="sm" disabled={work.busy !== null || !isPossible(signature) || !isPossible(revocation) || signers.length === 0} onClick={propose}>
            {takers.length > 0 ? t("thresholds.propose", { count: takers.length }) : t("sign.do.propose")}
          </Button>
          <KeyFirst signers={signers} />
        </p>
      </div>
    </Section>
  );
}

interface ThresholdProps {
  id: string;
  label: string;
  help: string;
  value: number;
  invalid: boolean;
  most: number;
  onChange: (value: number) => void;
}

function Threshold({ id, label, help, value, invalid, most, onChange }: ThresholdProps) {
  const t = useT();
  return (
    <NumberField
      id={id}
      label={label}
      helperText={help}
      min={1}
      max={MAX_THRESHOLD}
      value={value}
      invalid={invalid}
      invalidText={most > 0 ? t("thresholds.tooHigh", { most }) : t("thresholds.none")}
      onChange={(_, { value: next }) => onChange(Number(next))}
    />
  );
}

export function Commit({ instance, facts, signers, work }: StepProps) {
  const t = useT();
  const notify = useNotify();
  // The pattern that was compared: another one has to be compared again.
  const [compared, setCompared] = useState("");
  const [note, setNote] = useState("");
  const loaded = facts.filter((one) => pendingState(one) === "uncommitted");
  const agree = newPatternsAgree(facts);
  const pattern = facts.flatMap((one) => (one.pending ? [toHex(one.pending)] : []))[0] ?? "";
  const isCompared = agree && pattern !== "" && compared === pattern;
  const propose = () =>
    work.run("commit", async () => {
      if (await commit(work.ask, instance, loaded, signers, note, work.tell)) notify(t("steps.proposed"));
      setCompared("");
    });
  return (
    <Section title={t("commit.title")}>
      <p>{t("commit.intro")}</p>
      <Patterns facts={facts} />
      {!agree && <InlineNotice kind="error" role="alert" title={t("commit.differ")} subtitle={t("commit.differMore")} />}
      {agree && <Checkbox id="commit-compared" labelText={t("commit.compared")} checked={isCompared} onChange={(_, { checked }) => setCompared(checked ? pattern : "")} />}
      <TextField id="commit-note" dir="auto" maxLength={MAX_NOTE} labelText={t("steps.note")} value={note} onChange={(event) => setNote(event.target.value)} />
      <p className="kh-page-actions">
        <Button size="sm" disabled={work.busy !== null || !isCompared || loaded.length === 0 || signers.length === 0} onClick={propose}>
          {loaded.length > 0 ? t("commit.propose", { count: loaded.length }) : t("sign.do.propose")}
        </Button>
        <KeyFirst signers={signers} />
        <ClearNew facts={facts} signers={signers} work={work} />
      </p>
    </Section>
  );
}

function Patterns({ facts }: { facts: readonly UnitFacts[] }) {
  const patterns = new Set(facts.flatMap((one) => (one.pending ? [toHex(one.pending)] : [])));
  const t = useT();
  return (
    <>
      {patterns.size === 1 && (
        <p className="kh-pattern" data-testid="new-pattern">
          <CopyableText value={[...patterns][0]!} what={t("units.pattern")} />
        </p>
      )}
      <Facts>
        {facts.map((one) => (
          <Fact key={one.unit.hsm_id} name={`${t(`units.type.${one.unit.type}`)} ${one.unit.location}`}>
            <Register facts={one} which="new" />
          </Fact>
        ))}
      </Facts>
    </>
  );
}

function ClearNew({ facts, signers, work }: Pick<StepProps, "facts" | "signers" | "work">) {
  const t = useT();
  const full = facts.filter((one) => one.pending);
  return (
    <Button size="sm" kind="danger--tertiary" className="kh-apart" disabled={work.busy !== null || full.length === 0 || signers.length === 0} onClick={() => work.run("clear", () => clearNew(work.ask, full, signers, work.tell))}>
      {t("commit.clear")}
    </Button>
  );
}

export function Activate({ facts, plan, signers, work }: StepProps) {
  const t = useT();
  const notify = useNotify();
  const ready = facts.filter((one) => one.pendingCommitted);
  const run = () =>
    work.run("activate", async () => {
      if (await activate(work.ask, ready, signers, work.tell)) notify(t("activate.done", { count: ready.length }));
    });
  return (
    <Section title={t("activate.title")}>
      <p>{t(plan.rotating ? "activate.introRotation" : "activate.intro")}</p>
      <Patterns facts={facts} />
      <p className="kh-page-actions">
        <Button size="sm" disabled={work.busy !== null || signers.length === 0} onClick={run}>
          {ready.length > 0 ? t("activate.do", { count: ready.length }) : t("activate.title")}
        </Button>
        <KeyFirst signers={signers} />
        <ClearNew facts={facts} signers={signers} work={work} />
      </p>
    </Section>
  );
}

// Recovery units: a master key that no person has a part of, made in one and copied to the other units.
import { Button, Checkbox, Select, SelectItem, Tag } from "@carbon/react";
import { useState } from "react";
import { readRotation, type Rotation } from "../api/rotation";
import { addUnits } from "../api/units";
import { CopyableText } from "../components/CopyButton";
import { InlineNotice, useNotify } from "../components/notices";
import { NumberField } from "../components/NumberField";
import { Section } from "../components/Page";
import type { UnitFacts } from "../crypto-units/facts";
import { useT } from "../i18n";
import { toHex } from "../tke/bytes";
import type { Signer } from "../tke/administrator";
import { TkeError } from "../tke/error";
import { useTell } from "./OtherCommands";
import { KeyFirst } from "./Steps";
import { copyKey, isReplaced, makersOf, makeRandomKey, prepare, randomHindrance, sourcesOf, targetsOf, unprepared } from "./recovery";
import type { Work } from "./work";

const MAX_RECOVERY = 2;

interface RecoveryProps {
  instance: string;
  facts: readonly UnitFacts[];
  signers: readonly Signer[];
  work: Work;
  // As it was read last; undefined while it could not be.
  rotation: Rotation | undefined;
}

const countOf = (facts: readonly UnitFacts[], type: string) => facts.filter(({ unit }) => unit.type === type).length;

export function Recovery(props: RecoveryProps) {
  const t = useT();
  const { instance, facts, signers, work } = props;
  const notify = useNotify();
  const hasRecovery = countOf(facts, "recovery") > 0;
  const lacking = unprepared(facts);
  const isBusy = work.busy !== null || signers.length === 0;
  return (
    <Section title={t("recovery.title")}>
      <p>{t("recovery.intro")}</p>
      <KeyFirst signers={signers} />
      {hasRecovery && (
        <ol className="kh-steps">
          <li>
            <h3>{t("recovery.prepare")}</h3>
            <p>{t("recovery.prepareMore")}</p>
            <Button size="sm" kind="tertiary" disabled={isBusy || lacking.length === 0} onClick={() => work.run("prepare", async () => (await prepare(work.ask, instance, facts, signers, work.tell)) && notify(t("steps.proposed")))}>
              {lacking.length > 0 ? t("recovery.prepareDo", { count: lacking.length }) : t("sign.do.propose")}
            </Button>
          </li>
          <li>
            <h3>{t("recovery.random")}</h3>
            <p>{t("recovery.randomMore")}</p>
            <RandomKey {...props} />
          </li>
          <li>
            <h3>{t("recovery.copy")}</h3>
            <p>{t("recovery.copyMore")}</p>
            <Copy {...props} />
          </li>
        </ol>
      )}
      <More {...props} />
    </Section>
  );
}

function RandomKey({ instance, facts, signers, work, rotation }: RecoveryProps) {
  const t = useT();
  const notify = useNotify();
  const makers = makersOf(facts);
  // Keys may have been stored since the rotation was read.
  const make = (maker: UnitFacts) =>
    work.run("random", async () => {
      if (randomHindrance(await readRotation(instance), facts)) throw new TkeError("stale", "what stored keys are sealed under has changed since this page read it: look again");
      if (await makeRandomKey(work.ask, maker, signers, work.tell)) notify(t("recovery.made"));
    });
  const hindrance = randomHindrance(rotation, facts);
  if (hindrance === "unknown") return <p className="kh-muted">{t("recovery.unknown")}</p>;
  if (hindrance === "rotating") return <p className="kh-muted">{t("recovery.rotating")}</p>;
  if (hindrance === "lost") return <InlineNotice kind="warning" role="status" title={t("recovery.lost")} subtitle={t("recovery.lostMore")} />;
  if (makers.length === 0) return <p className="kh-muted">{t("recovery.noMaker")}</p>;
  return (
    <p className="kh-page-actions">
      {makers.map((maker) => (
        <Button key={maker.unit.hsm_id} size="sm" kind="tertiary" disabled={work.busy !== null || signers.length === 0} onClick={() => make(maker)}>
          {t("recovery.makeIn", { unit: maker.unit.location })}
        </Button>
      ))}
    </p>
  );
}

function Copy({ instance, facts, signers, work }: RecoveryProps) {
  const t = useT();
  const tell = useTell();
  const sources = sourcesOf(facts);
  const [chosen, setChosen] = useState("");
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [replaced, setReplaced] = useState<ReadonlySet<string>>(new Set());
  const source = sources.find(({ unit }) => unit.hsm_id === chosen) ?? sources[0];
  if (!source) return <p className="kh-muted">{t("recovery.noSource")}</p>;
  const pattern = source.pending ?? source.current;
  const possible = targetsOf(facts, source);
  // Where another key would go only those that are ticked, of the others all that are not taken out.
  const isTarget = (one: UnitFacts) => (isReplaced(one, source) ? replaced.has(one.unit.hsm_id) : !left.has(one.unit.hsm_id));
  const targets = possible.filter(isTarget);
  const toggle = (one: UnitFacts, checked: boolean) => {
    const isOther = isReplaced(one, source);
    const set = new Set(isOther ? replaced : left);
    if (checked === isOther) set.add(one.unit.hsm_id);
    else set.delete(one.unit.hsm_id);
    (isOther ? setReplaced : setLeft)(set);
  };
  return (
    <div className="kh-form">
      <Select id="recovery-source" labelText={t("recovery.source")} value={source.unit.hsm_id} onChange={(event) => setChosen(event.target.value)}>
        {sources.map(({ unit }) => (
          <SelectItem key={unit.hsm_id} value={unit.hsm_id} text={`${t(`units.type.${unit.type}`)} ${unit.location}`} />
        ))}
      </Select>
      <p>
        {t(source.pending ? "units.new" : "units.current")} {pattern && <CopyableText value={toHex(pattern)} what={t("units.pattern")} />}
      </p>
      {possible.length === 0 && <p className="kh-muted">{t("recovery.allHave")}</p>}
      {possible.map((one) => (
        <div key={one.unit.hsm_id}>
          <Checkbox id={`copy-to-${one.unit.hsm_id}`} labelText={`${t(`units.type.${one.unit.type}`)} ${one.unit.location}`} checked={isTarget(one)} onChange={(_, { checked }) => toggle(one, checked)} />
          {isReplaced(one, source) && (
            <Tag size="sm" type="red">
              {t("recovery.replaces", { pattern: toHex(one.current!).slice(0, 16) })}
            </Tag>
          )}
        </div>
      ))}
      <p>
        <Button size="sm" disabled={work.busy !== null || signers.length === 0 || targets.length === 0} onClick={() => work.run("copy", async () => tell(await copyKey(work.ask, instance, source, targets, signers, work.tell)))}>
          {targets.length > 0 ? t("recovery.copyDo", { count: targets.length }) : t("recovery.copy")}
        </Button>
      </p>
    </div>
  );
}

// More recovery and failover units. There are never fewer: an instance gives units up on the command line only.
function More({ instance, facts, work }: RecoveryProps) {
  const t = useT();
  const [recoveryBefore, failoverBefore, operational] = [countOf(facts, "recovery"), countOf(facts, "failover"), countOf(facts, "operational")];
  // What somebody else adds meanwhile is the least that can be chosen.
  const [chosen, setChosen] = useState({ recovery: 0, failover: 0 });
  const recovery = Math.max(chosen.recovery, recoveryBefore);
  const failover = Math.max(chosen.failover, failoverBefore);
  const isPossible = recovery <= MAX_RECOVERY && failover <= operational;
  const isMore = recovery > recoveryBefore || failover > failoverBefore;
  const add = () =>
    work.run("units", () => addUnits(instance, { recovery: recoveryBefore, failover: failoverBefore }, { recovery, failover }));
  return (
    <>
      <h3>{t("recovery.more")}</h3>
      <p>{t("recovery.moreMore")}</p>
      <div className="kh-form">
        <div className="kh-row">
          <NumberField id="recovery-units" label={t("recovery.units")} min={recoveryBefore} max={MAX_RECOVERY} value={recovery} onChange={(_, { value }) => setChosen({ recovery: Number(value), failover })} />
          <NumberField id="failover-units" label={t("recovery.failover")} min={failoverBefore} max={operational} value={failover} onChange={(_, { value }) => setChosen({ recovery, failover: Number(value) })} />
        </div>
        <p>
          <Button size="sm" kind="tertiary" disabled={work.busy !== null || !isPossible || !isMore} onClick={add}>
            {t("recovery.add")}
          </Button>
        </p>
      </div>
    </>
  );
}

// What administrators may ask of the units besides a new master key: control points, stored records, erasing.
import { Button, Tag } from "@carbon/react";
import { useState } from "react";
import { TextField } from "../components/fields";
import { useNotify } from "../components/notices";
import { Section } from "../components/Page";
import type { UnitFacts } from "../crypto-units/facts";
import { useT } from "../i18n";
import type { Signer } from "../tke/administrator";
import type { AttestationRoot } from "../tke/attestation";
import { CONTROL_POINTS, hasControlPoint, isImprint, MAY_DISABLE, MAY_ENABLE } from "../tke/attributes";
import { acceptRecords, isDifference, pointTakers, setControlPoint, type Erasing, type Outcome } from "./commands";
import { EraseDialog } from "./EraseDialog";
import { KeyFirst } from "./Steps";
import { TransferCommands } from "./TransferCommands";
import type { Work } from "./work";

interface CommandsProps {
  instance: string;
  facts: readonly UnitFacts[];
  signers: readonly Signer[];
  work: Work;
}

interface OtherProps extends CommandsProps {
  // The pinned root of this deployment.
  root: AttestationRoot;
}

// Says what became of a command.
export function useTell() {
  const t = useT();
  const notify = useNotify();
  return (outcome: Outcome) => outcome !== null && notify(t(outcome === "sent" ? "commands.sent" : "steps.proposed"));
}

export function OtherCommands(props: OtherProps) {
  const t = useT();
  const configured = props.facts.filter(({ attributes }) => !isImprint(attributes));
  return (
    <Section title={t("commands.title")}>
      <p>{t("commands.intro")}</p>
      <KeyFirst signers={props.signers} />
      {configured.length > 0 && (
        <>
          <ControlPoints {...props} facts={configured} />
          <Records {...props} />
          <TransferCommands {...props} />
        </>
      )}
      <Erase {...props} />
    </Section>
  );
}

function ControlPoints({ instance, facts, signers, work }: CommandsProps) {
  const t = useT();
  const tell = useTell();
  const allHave = (bit: number) => facts.every((one) => hasControlPoint(one.controlPoints, bit));
  const change = (bit: number, on: boolean) => work.run("points", async () => tell(await setControlPoint(work.ask, instance, facts, bit, on, signers, work.tell)));
  return (
    <>
      <h3>{t("points.title")}</h3>
      <p>{t("points.intro")}</p>
      <ul className="kh-rows" data-testid="control-points">
        {CONTROL_POINTS.map(({ bit, name }) => {
          const count = facts.filter((one) => hasControlPoint(one.controlPoints, bit)).length;
          const on = count < facts.length;
          const isGuard = bit === MAY_ENABLE || bit === MAY_DISABLE;
          const mayChange = allHave(on ? MAY_ENABLE : MAY_DISABLE) && pointTakers(facts, bit, on).length > 0;
          const words = t(`points.${bit}` as "points.0");
          return (
            <li key={bit}>
              <span>
                {words} <code>{name}</code>{" "}
                <Tag size="sm" type={count === 0 ? "gray" : on ? "warm-gray" : "green"}>
                  {count === 0 ? t("points.off") : on ? t("points.some", { count, total: facts.length }) : t("points.on")}
                </Tag>
              </span>
              {!isGuard && (
                <Button size="sm" kind="tertiary" disabled={work.busy !== null || !mayChange || signers.length === 0} onClick={() => change(bit, on)}>
                  {t(on ? "points.switchOn" : "points.switchOff", { words })}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Records({ instance, facts, signers, work }: CommandsProps) {
  const t = useT();
  const tell = useTell();
  const [difference, setDifference] = useState("");
  const run = () =>
    work.run("records", async () => {
      const outcome = await acceptRecords(work.ask, instance, facts, difference, signers, "", work.tell);
      if (outcome) setDifference("");
      tell(outcome);
    });
  const isWrong = difference !== "" && !isDifference(difference);
  return (
    <>
      <h3>{t("records.title")}</h3>
      <p>{t("records.intro")}</p>
      <div className="kh-form">
        <TextField id="records-difference" spellCheck={false} labelText={t("records.difference")} helperText={t("records.differenceHelp")} value={difference} invalid={isWrong} invalidText={t("records.differenceHelp")} onChange={(event) => setDifference(event.target.value)} />
        <p>
          <Button size="sm" kind="tertiary" disabled={work.busy !== null || !isDifference(difference) || signers.length === 0} onClick={run}>
            {t("records.accept")}
          </Button>
        </p>
      </div>
    </>
  );
}

function Erase({ instance, facts, signers, work }: CommandsProps) {
  const t = useT();
  const tell = useTell();
  const [open, setOpen] = useState<{ hsm: string; what: Erasing } | null>(null);
  // As it is now: others may go on while somebody types.
  const chosen = facts.find(({ unit }) => unit.hsm_id === open?.hsm);
  // Of all it has, a unit in imprint mode has administrators only.
  const isFull = (one: UnitFacts) => one.administrators.length > 0 || !isImprint(one.attributes);
  return (
    <>
      <h3>{t("erase.title")}</h3>
      <p>{t("erase.intro")}</p>
      <ul className="kh-rows" data-testid="erase">
        {facts.map((one) => (
          <li key={one.unit.hsm_id}>
            <span>
              {t(`units.type.${one.unit.type}`)} <code>{one.unit.location}</code>
            </span>
            <span className="kh-page-actions">
              <Button size="sm" kind="danger--ghost" disabled={work.busy !== null || !one.current || signers.length === 0} onClick={() => setOpen({ hsm: one.unit.hsm_id, what: "clearCurrent" })}>
                {t("erase.clearCurrent")} <span className="cds--visually-hidden">{one.unit.location}</span>
              </Button>
              <Button size="sm" kind="danger--ghost" disabled={work.busy !== null || !isFull(one) || (signers.length === 0 && !isImprint(one.attributes))} onClick={() => setOpen({ hsm: one.unit.hsm_id, what: "zeroize" })}>
                {t("erase.zeroize")} <span className="cds--visually-hidden">{one.unit.location}</span>
              </Button>
            </span>
          </li>
        ))}
      </ul>
      {open && chosen && <EraseDialog unit={chosen} what={open.what} instance={instance} signers={signers} work={work} onDone={tell} onClose={() => setOpen(null)} />}
    </>
  );
}

// Small pieces that the pages about units share.
import { Tag } from "@carbon/react";
import { CopyableText } from "../components/CopyButton";
import { InlineNotice } from "../components/notices";
import { useT } from "../i18n";
import { toHex } from "../tke/bytes";
import type { Administrator } from "../tke/administrator";
import { shownText } from "../tke/block-text";
import { currentState, pendingState, type Plan, type RegisterState, type Step, type UnitFacts } from "./facts";

const REGISTER_LOOK = { empty: "gray", uncommitted: "blue", committed: "teal", valid: "green" } as const;

export function RegisterTag({ state }: { state: RegisterState }) {
  const t = useT();
  return (
    <Tag size="sm" type={REGISTER_LOOK[state]}>
      {t(`units.register.${state}`)}
    </Tag>
  );
}

export function Register({ facts, which }: { facts: UnitFacts; which: "current" | "new" }) {
  const t = useT();
  const pattern = which === "current" ? facts.current : facts.pending;
  return (
    <>
      <RegisterTag state={which === "current" ? currentState(facts) : pendingState(facts)} />
      {pattern && (
        <>
          {" "}
          <span className="kh-muted">{t("units.pattern")}</span> <CopyableText value={toHex(pattern)} what={t("copy.of", { what: t("units.pattern"), name: facts.unit.location })} />
        </>
      )}
    </>
  );
}

export function Administrators({ all }: { all: readonly Administrator[] }) {
  const t = useT();
  if (all.length === 0) return <span className="kh-muted">{t("common.none")}</span>;
  return (
    <ul className="kh-list">
      {all.map((one) => (
        <li key={toHex(one.ski)}>
          <bdi>{shownText(one.name)}</bdi> <code>{toHex(one.ski).slice(0, 16)}…</code>
          {one.key.kind === "rsa" && (
            <Tag size="sm" type="warm-gray">
              RSA-2048
            </Tag>
          )}
        </li>
      ))}
    </ul>
  );
}

const STEP_LOOK = { done: "green", now: "blue", later: "gray", none: "gray" } as const;

export function PlanList({ plan }: { plan: Plan }) {
  const t = useT();
  return (
    <>
      {plan.complete && <InlineNotice kind="success" role="status" title={t("plan.complete")} />}
      {plan.conflict && <InlineNotice kind="warning" role="status" title={t("plan.conflict")} subtitle={t("plan.conflictMore")} />}
      <ol className="kh-plan" data-testid="plan">
        {plan.steps
          .filter((step) => step.state !== "none")
          .map((step) => (
            <li key={step.name} aria-current={step.state === "now" ? "step" : undefined}>
              <PlanStep step={step} />
            </li>
          ))}
      </ol>
    </>
  );
}

function PlanStep({ step }: { step: Step }) {
  const t = useT();
  return (
    <>
      <Tag size="sm" type={STEP_LOOK[step.state]}>
        {t(`plan.${step.state}`)}
      </Tag>
      <span>
        {t(`plan.step.${step.name}`)} {step.total > 1 && <span className="kh-muted">({t("plan.of", { done: step.done, total: step.total })})</span>}
      </span>
    </>
  );
}

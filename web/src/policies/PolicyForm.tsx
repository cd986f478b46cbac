// One policy: what holds, who set it when, the form, what saving would mean, and the button that saves this policy alone.
import { useState, type ReactNode } from "react";
import { readInstancePolicies, setInstancePolicy, type InstancePolicy, type InstancePolicySetting } from "../api/policies";
import { Confirm } from "../components/Confirm";
import { ErrorNotice } from "../components/ErrorNotice";
import { useAction } from "../components/load";
import { InlineNotice, useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Section } from "../components/Page";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useSession } from "../shell/session";
import { find } from "./rules";

export interface PolicyPart<Policy extends InstancePolicy> {
  guid: string;
  // Undefined: never set.
  stored: Policy | undefined;
  reload: () => void;
  // How the last save ended. Kept by the page: a form begins anew when what is stored has changed.
  outcome: Outcome | undefined;
  onOutcome: (outcome: Outcome) => void;
}

export interface Outcome {
  // Somebody else has set the policy since it was read: nothing was saved.
  isStale: boolean;
  warning: string | null;
}

interface PolicyFormProps {
  part: PolicyPart<InstancePolicy>;
  title: string;
  intro: string;
  setting: InstancePolicySetting;
  isChanged: boolean;
  isValid?: boolean;
  // What saving means, in words; shown as soon as something is changed.
  consequences: string[];
  // For policies that can shut people out: asked for before they are saved.
  accept?: string;
  children: ReactNode;
}

export function PolicyForm({ part, title, intro, setting, isChanged, isValid = true, consequences, accept, children }: PolicyFormProps) {
  const t = useT();
  const notify = useNotify();
  const [asking, setAsking] = useState(false);

  const save = async (): Promise<Outcome> => {
    const now = find(await readInstancePolicies(part.guid), setting.policy_type);
    if (JSON.stringify(now) !== JSON.stringify(part.stored)) return { isStale: true, warning: null };
    return { isStale: false, warning: await setInstancePolicy(part.guid, setting) };
  };
  const done = (result: Outcome) => {
    setAsking(false);
    part.onOutcome(result);
    if (!result.isStale) notify(t("policies.saved", { policy: title }));
    part.reload();
  };
  const action = useAction(save, done);

  return (
    <Section title={title}>
      <p>{intro}</p>
      <Stamp stored={part.stored} />
      <form
        className="kh-form kh-policy"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isChanged || !isValid) return;
          if (accept) setAsking(true);
          else action.run();
        }}
      >
        {children}
        {isChanged && <Notice kind={accept ? "warning" : "info"} title={t("policies.consequences")} lines={consequences} />}
        {part.outcome?.isStale && <Notice kind="warning" title={t("policies.stale")} lines={[t("policies.staleMore")]} />}
        {part.outcome?.warning && <Notice kind="warning" title={t("policies.warning")} lines={[t("policies.warningMore"), part.outcome.warning]} />}
        <ErrorNotice error={action.error} />
        <div>
          <MayButton needs="instance-policies.write" keep type="submit" size="md" disabled={!isChanged || !isValid || action.busy}>
            {t("policies.save")}
          </MayButton>
        </div>
      </form>
      {asking && accept && (
        <Confirm title={title} confirmLabel={t("policies.save")} danger accept={accept} work={() => save().then(done)} onDone={() => undefined} onClose={() => setAsking(false)}>
          <ul className="kh-list">
            {consequences.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </Confirm>
      )}
    </Section>
  );
}

// Who set it last; a change by oneself is recognised.
function Stamp({ stored }: { stored: InstancePolicy | undefined }) {
  const t = useT();
  const { session } = useSession();
  if (!stored) return <p className="kh-muted">{t("policies.never")}</p>;
  return (
    <p className="kh-muted">
      {t("policies.lastSet")} <Time value={stored.lastUpdated} /> · {stored.updatedBy === session.id ? t("policies.byYou") : <code>{stored.updatedBy}</code>}
      {!stored.policy_data.enabled && ` · ${t("policies.disabled")}`}
    </p>
  );
}

const Notice = ({ kind, title, lines }: { kind: "info" | "warning"; title: string; lines: string[] }) => (
  <InlineNotice kind={kind} role="status" title={title}>
    <ul className="kh-list">
      {lines.map((line) => (
        <li key={line} dir="auto">
          {line}
        </li>
      ))}
    </ul>
  </InlineNotice>
);

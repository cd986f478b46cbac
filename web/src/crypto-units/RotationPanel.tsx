// The master key rotation as the server tells it, looked at again while it goes on.
import { Tag } from "@carbon/react";
import { useEffect, useState } from "react";
import { abandonRotation, readRotation, startRotation, type Rotation } from "../api/rotation";
import { Confirm } from "../components/Confirm";
import { ErrorNotice } from "../components/ErrorNotice";
import { useAction, useLoad } from "../components/load";
import { MayButton } from "../components/Needs";
import { InlineNotice } from "../components/notices";
import { Fact, Facts, Section } from "../components/Page";
import { Loading, Progress } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useBackOff } from "./polling";

const isMoving = ({ phase }: Rotation) => phase === "resealing" || phase === "reverting";

// `onChange` is called whenever the phase is another one.
export function RotationPanel({ instance, onChange }: { instance: string; onChange?: () => void }) {
  const t = useT();
  const loaded = useLoad(`rotation:${instance}`, (signal) => readRotation(instance, signal));
  const rotation = loaded.data;
  const [abandoning, setAbandoning] = useState(false);
  const start = useAction(() => startRotation(instance), loaded.reload);
  const phase = rotation?.phase;
  useEffect(() => {
    if (phase) onChange?.();
  }, [phase, onChange]);
  useBackOff(rotation ? `${rotation.phase} ${rotation.keys_left}` : null, loaded.reload);
  if (!rotation) return loaded.error ? <ErrorNotice error={loaded.error} onRetry={loaded.reload} /> : <Loading />;
  const canStart = rotation.phase === "none" && rotation.units.length > 0 && rotation.units.every((unit) => unit.new.state === "Full committed" && unit.current.state === "Valid");
  return (
    <Section
      title={t("rotation.title")}
      actions={
        <span className="kh-page-actions">
          {canStart && (
            <MayButton needs="tke-master-key-rotation.start" size="sm" disabled={start.busy} onClick={start.run}>
              {t("rotation.start")}
            </MayButton>
          )}
          {rotation.phase !== "none" && (
            <MayButton needs="tke-master-key-rotation.start" size="sm" kind="danger--tertiary" onClick={() => setAbandoning(true)}>
              {t("rotation.abandon")}
            </MayButton>
          )}
        </span>
      }
    >
      <ErrorNotice error={start.error ?? loaded.error} />
      <p role="status" data-testid="rotation-phase" data-phase={rotation.phase}>
        <Tag size="sm" type={rotation.phase === "none" ? "gray" : isMoving(rotation) ? "blue" : "teal"}>
          {t(`rotation.phase.${rotation.phase}`)}
        </Tag>{" "}
        {t(`rotation.more.${rotation.phase}`)}
      </p>
      {isMoving(rotation) && <Progress label={t("rotation.keys")} done={rotation.keys_total - rotation.keys_left} total={rotation.keys_total} />}
      {rotation.waiting_for && (
        <InlineNotice kind="warning" role="status" title={t("rotation.waiting")}>
          <span lang="en">{rotation.waiting_for}</span>
        </InlineNotice>
      )}
      <Facts>
        <Fact name={t("rotation.left")}>{rotation.keys_left.toLocaleString()}</Fact>
        <Fact name={t("rotation.rate")}>{rotation.keys_per_second.toLocaleString()}</Fact>
        {rotation.started_at && (
          <Fact name={t("rotation.started")}>
            <Time value={rotation.started_at} /> <bdi>{rotation.started_by}</bdi>
          </Fact>
        )}
        {rotation.stored.map((one) => (
          <Fact key={one.master_key} name={t("rotation.stored")}>
            <code>{one.master_key}</code> {t("rotation.storedKeys", { keys: one.keys.toLocaleString(), versions: one.key_versions.toLocaleString() })}
          </Fact>
        ))}
      </Facts>
      {rotation.unopened.length > 0 && (
        <>
          <p>{t("rotation.unopened", { count: rotation.unopened_total })}</p>
          <ul className="kh-list">
            {rotation.unopened.map((one) => (
              <li key={one.version_id}>
                <code>{one.key_id}</code> {one.cause}
              </li>
            ))}
          </ul>
        </>
      )}
      {abandoning && (
        <Confirm
          title={t("rotation.abandon")}
          confirmLabel={t("rotation.abandon")}
          danger
          work={() => abandonRotation(instance)}
          onClose={() => setAbandoning(false)}
          onDone={() => {
            setAbandoning(false);
            loaded.reload();
          }}
        >
          <p>{t("rotation.abandonMore")}</p>
        </Confirm>
      )}
    </Section>
  );
}

// One key of a plan with all that plan and journal say about it; nothing is cut off here.
import type { KeyStatus, PlannedKey } from "../api/migration";
import { CopyableText } from "../components/CopyButton";
import { Dialog } from "../components/Dialog";
import { Fact, Facts } from "../components/Page";
import { useT, type Translate } from "../i18n";
import { Named, StateTag, Subheading, Texts } from "./parts";

export function actionText(key: PlannedKey, t: Translate): string {
  return t(`migration.action.${key.action}`);
}

export function supplyText(key: PlannedKey, t: Translate): string {
  return key.action === "import" ? t("migration.supply", { count: key.material_versions, versions: key.versions }) : "";
}

interface KeyDetailsProps {
  status?: KeyStatus;
  planned?: PlannedKey;
  onClose: () => void;
}

export function KeyDetails({ status, planned, onClose }: KeyDetailsProps) {
  const name = (status ?? planned)?.name || (status ?? planned)?.source || "";
  const blocked = status ? (status.state === "blocked" ? status.why : "") : planned?.action === "blocked" ? planned.blocked : "";
  return (
    <Dialog title={name} size="lg" onClose={onClose}>
      {status && <StatusFacts status={status} />}
      {blocked && <Blocked why={blocked} />}
      {planned && <PlanFacts planned={planned} />}
    </Dialog>
  );
}

function StatusFacts({ status }: { status: KeyStatus }) {
  const t = useT();
  return (
    <>
      <Facts>
        <Fact name={t("common.state")}>
          <StateTag state={status.state} />
        </Fact>
        <Fact name={t("migration.sourceKey")}>
          <CopyableText value={status.source} what={t("migration.sourceKey")} />
        </Fact>
        <Fact name={t("migration.targetKey")}>{status.target ? <CopyableText value={status.target} what={t("migration.targetKey")} /> : "–"}</Fact>
        <Fact name={t("migration.sourceDisabled")}>{t(status.source_disabled ? "common.yes" : "common.no")}</Fact>
        <Fact name={t("migration.intent")}>{t(status.intent ? "common.yes" : "common.no")}</Fact>
      </Facts>
      {status.why && status.state !== "blocked" && (
        <>
          <Subheading text={t("migration.why")} />
          <Texts all={[status.why]} />
          <p>{t("migration.someFailedMore")}</p>
        </>
      )}
      {status.open.length > 0 && (
        <>
          <Subheading text={t("migration.openSteps")} />
          <Texts all={status.open} />
          <p>{t("migration.openStepsMore")}</p>
        </>
      )}
    </>
  );
}

function Blocked({ why }: { why: string }) {
  const t = useT();
  return (
    <>
      <Subheading text={t("migration.state.blocked")} />
      <Texts all={[why]} />
      <p>{t("migration.someBlockedMore")}</p>
    </>
  );
}

function PlanFacts({ planned }: { planned: PlannedKey }) {
  const t = useT();
  return (
    <>
      <Facts>
        <Fact name={t("migration.kind")}>{t(planned.kind === "root" ? (planned.imported ? "migration.kind.imported" : "migration.kind.generated") : "migration.kind.standard")}</Fact>
        <Fact name={t("migration.action")}>{actionText(planned, t)}</Fact>
        <Fact name={t("migration.mustSupply")}>{supplyText(planned, t) || t("common.none")}</Fact>
        <Fact name={t("migration.deks")}>{planned.deks.toLocaleString()}</Fact>
        <Fact name={t("migration.versions")}>{planned.versions.toLocaleString()}</Fact>
        <Fact name={t("keys.ring")}>
          <bdi>{planned.key_ring}</bdi>
        </Fact>
        <Fact name={t("details.resources")}>{planned.registrations.toLocaleString()}</Fact>
        <Fact name={t("keys.dualAuth")}>{t(planned.dual_auth_delete ? "common.yes" : "common.no")}</Fact>
        {planned.target && (
          <Fact name={t("migration.takesOver")}>
            <code>{planned.target}</code>
          </Fact>
        )}
        {planned.dek_target && (
          <Fact name={t("migration.dekTarget")}>
            <code>{planned.dek_target}</code>
          </Fact>
        )}
      </Facts>
      <Named title={t("migration.aliases")} all={planned.aliases} />
      <Named title={t("migration.lost")} all={planned.lost} />
    </>
  );
}

// What /readyz says, part by part, in words.
import { Tag } from "@carbon/react";
import type { Readiness } from "../api/metrics";
import { Fact, Facts } from "../components/Page";
import { useT, type TextKey } from "../i18n";

const PARTS: Record<string, TextKey> = {
  unit: "health.unit",
  store: "health.store",
  audit: "health.audit",
  master_key_rotation: "health.rotation",
  records: "health.records",
};

export function Health({ readiness }: { readiness: Readiness }) {
  const t = useT();
  const isReady = readiness.status === "ready";
  return (
    <>
      <p>
        <Tag type={isReady ? "green" : "red"}>{t(isReady ? "health.ready" : "health.notReady")}</Tag>
      </p>
      <Facts>
        {Object.entries(readiness.causes).map(([part, cause]) => (
          <Fact key={part} name={PARTS[part] ? t(PARTS[part]) : part}>
            {cause === "ok" ? (
              <Tag size="sm" type="green">
                {t("health.ok")}
              </Tag>
            ) : (
              <span dir="auto">{cause}</span>
            )}
          </Fact>
        ))}
      </Facts>
    </>
  );
}

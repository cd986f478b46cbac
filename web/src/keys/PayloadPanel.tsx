// The material of a standard key: shown when its owner asks, for a minute, and then forgotten.
import { Button } from "@carbon/react";
import { useEffect, useState } from "react";
import { readPayload, type Key } from "../api/keys";
import { CopyableText } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { useAction } from "../components/load";
import { MayButton } from "../components/Needs";
import { Section } from "../components/Page";
import { useT } from "../i18n";
import { placeOf } from "./rules";

const SHOWN_FOR_MS = 60_000;

export function PayloadPanel({ instance, item }: { instance: string; item: Key }) {
  const t = useT();
  const [payload, setPayload] = useState<string | null>(null);
  const action = useAction(() => readPayload(instance, item.id), setPayload);
  useEffect(() => {
    if (payload === null) return;
    const timer = setTimeout(() => setPayload(null), SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [payload]);
  return (
    <Section title={t("details.payload")}>
      <p className="kh-muted">{t("details.payloadMore")}</p>
      <ErrorNotice error={action.error} />
      {payload === null ? (
        <MayButton needs="secrets.read" where={placeOf(item)} keep kind="tertiary" size="sm" disabled={action.busy} onClick={action.run}>
          {t("details.showPayload")}
        </MayButton>
      ) : (
        <>
          <p data-testid="payload">
            <CopyableText value={payload} what={t("details.payload")} />
          </p>
          <Button kind="tertiary" size="sm" onClick={() => setPayload(null)}>
            {t("details.hidePayload")}
          </Button>
        </>
      )}
    </Section>
  );
}

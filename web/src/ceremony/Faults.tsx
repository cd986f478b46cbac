// Commands that a unit has answered although the server could not write that down. They stand here until somebody has read them.
import { Button } from "@carbon/react";
import { useEffect, useState } from "react";
import { onFault, type Fault } from "../api/faults";
import { InlineNotice } from "../components/notices";
import type { UnitFacts } from "../crypto-units/facts";
import { useT } from "../i18n";
import { download, fileName } from "./files";

export function Faults({ facts }: { facts: readonly UnitFacts[] }) {
  const t = useT();
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  useEffect(() => onFault((fault) => setFaults((all) => [...all, fault])), []);
  const locationOf = ({ hsm }: Fault) => facts.find(({ unit }) => unit.hsm_id === hsm)?.unit.location ?? hsm;
  const save = (fault: Fault) => download(fileName(`frames-${locationOf(fault)}`, "txt"), `${fault.frames.join("\n")}\n`, "text/plain");
  // Carbon takes no button into a notice.
  return faults.map((fault, at) => (
    <div key={at} data-testid="fault" data-kind={fault.kind}>
      <InlineNotice kind="warning" role="alert" title={t(`fault.${fault.kind}`, { unit: locationOf(fault) })}>
        <div className="kh-error">
          <p>{t(`fault.${fault.kind}More`)}</p>
          <p dir="auto" lang="en">
            {fault.why}
          </p>
        </div>
      </InlineNotice>
      <p className="kh-page-actions">
        {fault.kind === "transcript" && (
          <Button size="sm" kind="ghost" onClick={() => save(fault)}>
            {t("fault.save")}
          </Button>
        )}
        <Button size="sm" kind="ghost" onClick={() => setFaults((all) => all.filter((other) => other !== fault))}>
          {t("fault.read")}
        </Button>
      </p>
    </div>
  ));
}

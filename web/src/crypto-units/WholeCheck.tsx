// Judges the whole transcript in this page, with the crypto units at hand, as `keyhaven tke transcript --verify` does.
import { Button } from "@carbon/react";
import { useState } from "react";
import { readAll } from "../api/transcript";
import { CopyableText } from "../components/CopyButton";
import { TextField } from "../components/fields";
import { useAction } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Progress } from "../components/Progress";
import { useT } from "../i18n";
import { TranscriptCheck, type LiveUnit, type TranscriptReport } from "../tke/transcript-check";
import { Failure } from "./Failure";
import type { UnitFacts } from "./facts";
import type { UnitsState } from "./useUnits";

const SHOWN = 200;
const KNOWN = /^(\d{1,15}):([0-9a-f]{64})$/i;

// Read before the entries, so that the entries are never behind it.
async function liveOf({ unit, session }: UnitFacts): Promise<LiveUnit> {
  return { id: unit.hsm_id, serialNumber: unit.serial_number, domainIndex: session.target.domainIndex, moment: await session.moment(), administrators: await session.administrators() };
}

async function judge(instance: string, state: UnitsState, known: string, tell: (done: number, total: number) => void): Promise<TranscriptReport> {
  const live = await Promise.all(state.facts.map(liveOf));
  const { first, last, entries } = await readAll(instance, tell);
  const [, sequence, hash] = KNOWN.exec(known) ?? [];
  const check = new TranscriptCheck(instance, state.root, { first, last, start: 0, wholeEnd: true, known: hash ? { sequence: Number(sequence), hash: hash.toLowerCase() } : undefined }, live);
  for (const entry of entries) await check.add(entry);
  return check.finish();
}

export function WholeCheck({ instance, state }: { instance: string; state: UnitsState }) {
  const t = useT();
  const [known, setKnown] = useState("");
  const [progress, setProgress] = useState<{ done: number; total: number }>();
  const [report, setReport] = useState<TranscriptReport>();
  const action = useAction(() => judge(instance, state, known.trim(), (done, total) => setProgress({ done, total })), setReport);
  const isKnown = known.trim() === "" || KNOWN.test(known.trim());
  return (
    <div className="kh-form">
      <TextField id="transcript-known" spellCheck={false} labelText={t("check.known")} helperText={t("check.knownHelp")} value={known} invalid={!isKnown} invalidText={t("check.knownHelp")} onChange={(event) => setKnown(event.target.value)} />
      <p>
        <Button size="sm" kind="tertiary" disabled={action.busy || !isKnown} onClick={action.run}>
          {t("check.do")}
        </Button>
      </p>
      {action.busy && progress && <Progress label={t("check.entries")} done={progress.done} total={progress.total} />}
      <Failure error={action.error} />
      {report && <Report report={report} units={state.facts.length} missing={state.units.length - state.facts.length} />}
    </div>
  );
}

function Report({ report, units, missing }: { report: TranscriptReport; units: number; missing: number }) {
  const t = useT();
  const isSound = report.faults.length === 0 && missing === 0;
  const kind = isSound ? "success" : "error";
  const title = report.faults.length > 0 ? t("check.faults", { count: report.faults.length }) : missing > 0 ? t("check.unread", { count: missing }) : t("check.ok", { entries: report.entries, units });
  return (
    <section aria-label={t("check.result")} data-testid="transcript-check" data-ok={isSound}>
      <InlineNotice kind={kind} role={isSound ? "status" : "alert"} title={title} />
      <p>
        {t("check.newest")} <CopyableText value={`${report.last}:${report.lastHash}`} what={t("check.newest")} />
      </p>
      {/* What is found is said as the command line says it. */}
      <ul className="kh-list" lang="en">
        {[...report.faults.map((one) => ({ ...one, isFault: true })), ...report.notes.map((one) => ({ ...one, isFault: false }))].slice(0, SHOWN).map(({ sequence, what, isFault }, at) => (
          <li key={at}>
            {sequence > 0 && <code>{sequence}</code>} {isFault ? <strong>{what}</strong> : what}
          </li>
        ))}
      </ul>
    </section>
  );
}

// What the check of a log found, in words.
import { InlineNotice } from "../components/notices";
import { useT, type Translate } from "../i18n";
import type { Finding, Verification } from "./verify";

function textOf(finding: Finding, t: Translate): string {
  const where = "stream" in finding ? finding.stream : finding.name;
  return t(`audit.finding.${finding.kind}`, { where, seq: "seq" in finding ? finding.seq : "", segment: "segment" in finding ? finding.segment : "" });
}

export function Findings({ found }: { found: Verification }) {
  const t = useT();
  const isEmpty = found.entries.length === 0 && found.checkpoints === 0;
  const isWhole = found.problems.length === 0;
  const kind = isEmpty ? "warning" : isWhole ? (found.checkpoints > 0 ? "success" : "warning") : "error";
  const title = isEmpty ? "audit.nothing" : isWhole ? (found.checkpoints > 0 ? "audit.whole" : "audit.unsigned") : "audit.broken";
  return (
    <InlineNotice kind={kind} role="status" title={t(title)}>
      <div data-testid="audit-verification">
        <p>{t("audit.counts", { records: found.entries.length.toLocaleString(), checkpoints: found.checkpoints.toLocaleString(), unsealed: found.unsealed.toLocaleString() })}</p>
        <List findings={found.problems} />
        <List findings={found.notes} />
        {isWhole && !isEmpty && <p>{t("audit.limits")}</p>}
      </div>
    </InlineNotice>
  );
}

function List({ findings }: { findings: Finding[] }) {
  const t = useT();
  if (findings.length === 0) return null;
  return (
    <ul className="kh-list">
      {findings.map((finding, index) => (
        <li key={index} dir="auto">
          {textOf(finding, t)}
        </li>
      ))}
    </ul>
  );
}

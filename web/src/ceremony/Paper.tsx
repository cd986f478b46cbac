// Key parts and shares on paper. A page exists in this document only while its dialog is open, and is seen in print only: on the
// screen somebody might read it over a shoulder. Nothing of it is stored.
import { useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { Dialog } from "../components/Dialog";
import { SecretField } from "../components/fields";
import { useAction } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Failure } from "../crypto-units/Failure";
import { useT } from "../i18n";
import type { Bytes } from "../tke/bytes";
import { contentOfLines, lineCount, paperLines, readLine, type PaperKind, type PaperLine } from "../tke/paper";
import { useWipe } from "./useWipe";

export interface PaperSheet {
  title: string;
  facts: [string, string][];
  kind: PaperKind;
  // Wiped by whoever made it.
  content: Bytes;
}

interface PrintProps {
  sheets: readonly PaperSheet[];
  onClose: () => void;
}

export function PrintDialog({ sheets, onClose }: PrintProps) {
  const t = useT();
  const [lines, setLines] = useState<PaperLine[][]>();
  useEffect(() => {
    let wanted = true;
    void Promise.all(sheets.map(({ kind, content }) => paperLines(kind, content))).then((all) => wanted && setLines(all));
    return () => {
      wanted = false;
    };
  }, [sheets]);
  return (
    <Dialog title={t("paper.print")} submitLabel={t("paper.printNow")} canSubmit={lines !== undefined} onSubmit={() => window.print()} onClose={onClose}>
      <p>{t("paper.printMore", { count: sheets.length })}</p>
      <InlineNotice kind="warning" role="status" title={t("paper.clear")} subtitle={t("paper.clearMore")} />
      {lines && createPortal(sheets.map((sheet, at) => <Sheet key={at} sheet={sheet} lines={lines[at] ?? []} />), document.body)}
    </Dialog>
  );
}

function Sheet({ sheet, lines }: { sheet: PaperSheet; lines: readonly PaperLine[] }) {
  const t = useT();
  return (
    <section className="kh-paper" aria-hidden="true" data-testid="paper">
      <h1>{sheet.title}</h1>
      <dl>
        {sheet.facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p>{t("paper.whoReads")}</p>
      <p>{t("paper.toReadBack")}</p>
      <table>
        <thead>
          <tr>
            <th>{t("paper.line")}</th>
            <th>{t("paper.value")}</th>
            <th>{t("paper.check")}</th>
            <th>{t("paper.words")}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ number, digits, check, words, checkWords }) => (
            <tr key={number}>
              <td>{number}</td>
              <td>{digits}</td>
              <td>{check}</td>
              <td>
                {words} <span>{checkWords}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p>{t("paper.last")}</p>
      <p>{t("paper.sealed")}</p>
    </section>
  );
}

// Line after line, as keyhaven tke asks for them: a wrong one is named and asked for again, and none is shown.
export function TypeDialog({ kind, onRead, onClose }: { kind: PaperKind; onRead: (content: Bytes) => void; onClose: () => void }) {
  const t = useT();
  const [lines, setLines] = useState<Bytes[]>([]);
  const [typed, setTyped] = useState("");
  const total = lineCount(kind);
  const hold = useWipe();
  const action = useAction(
    async () => {
      const line = await readLine(kind, lines.length + 1, typed);
      hold(line);
      const all = [...lines, line];
      return { all, content: all.length === total ? await contentOfLines(kind, all) : null };
    },
    ({ all, content }) => {
      setTyped("");
      setLines(all);
      if (!content) return;
      for (const line of all) line.fill(0);
      onRead(content);
    },
  );
  return (
    <Dialog title={t(`paper.type.${kind}`)} submitLabel={t("paper.next")} busy={action.busy} canSubmit={typed.trim() !== ""} onSubmit={action.run} onClose={onClose}>
      <p>{t("paper.typeMore", { total })}</p>
      <SecretField
        key={lines.length}
        id="paper-line"
        data-modal-primary-focus
        autoFocus
        labelText={t("paper.lineOf", { number: lines.length + 1, total })}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          action.clear();
        }}
      />
      <Failure error={action.error} />
    </Dialog>
  );
}

// Shows what is about to be signed or sent, in words, before it is: every block of a series, each decoded from its bytes.
import { Checkbox } from "@carbon/react";
import { useCallback, useMemo, useState } from "react";
import { BlockWords } from "../crypto-units/BlockWords";
import { Dialog } from "../components/Dialog";
import { useT } from "../i18n";
import { toHex } from "../tke/bytes";
import type { Ask, Question } from "./actions";
import { ConsentWords } from "./ConsentWords";

interface Open {
  question: Question;
  answer: (yes: boolean) => void;
}

// `ask` opens the dialog and resolves with what the person said; `dialog` is to be rendered.
export function useAsk() {
  const [open, setOpen] = useState<Open | null>(null);
  const ask = useCallback<Ask>((question) => new Promise((resolve) => setOpen({ question, answer: resolve })), []);
  const dialog = useMemo(() => {
    if (!open) return null;
    const close = (yes: boolean) => {
      setOpen(null);
      open.answer(yes);
    };
    return <SignDialog question={open.question} onAnswer={close} />;
  }, [open]);
  return { ask, dialog };
}

function SignDialog({ question, onAnswer }: { question: Question; onAnswer: (yes: boolean) => void }) {
  const t = useT();
  const [read, setRead] = useState(false);
  const { blocks, signers, then, consent } = question;
  const kind = signers.length > 0 ? then : then === "propose" ? "proposeOnly" : "unsigned";
  const understood = blocks.every(({ text }) => text.understood);
  return (
    <Dialog title={t(`sign.title.${kind}`, { count: blocks.length })} submitLabel={t(`sign.do.${kind}`)} size="lg" canSubmit={read && understood} onSubmit={() => onAnswer(true)} onClose={() => onAnswer(false)}>
      {/* Reading begins at the top, not at the box below. */}
      <p tabIndex={-1} data-modal-primary-focus>
        {t(`sign.intro.${kind}`)}
      </p>
      {signers.length > 0 && (
        <p>
          {t("sign.by")}{" "}
          {signers.map((signer) => (
            <span key={toHex(signer.ski)}>
              <bdi>{signer.name}</bdi> <code>{toHex(signer.ski).slice(0, 16)}…</code>{" "}
            </span>
          ))}
        </p>
      )}
      {!understood && <p role="alert">{t("sign.notUnderstood")}</p>}
      {consent && <ConsentWords review={consent} />}
      {blocks.map((block) => (
        <BlockWords key={block.sha512} text={block.text} sha512={block.sha512} unit={block.unit} />
      ))}
      <Checkbox id="sign-read" labelText={t(blocks.length === 1 ? "sign.readOne" : "sign.readAll", { count: blocks.length })} checked={read} onChange={(_, { checked }) => setRead(checked)} />
    </Dialog>
  );
}

// Splits a key part into shares, some of which give it back: the numbers, then the transcript that the administrators sign, then
// for each custodian a password and a file, or all shares on paper. As `keyhaven tke mk-share` does it.
import { Button, Checkbox, RadioButton, RadioButtonGroup } from "@carbon/react";
import { useEffect, useState } from "react";
import { Dialog } from "../components/Dialog";
import { SecretField, TextField } from "../components/fields";
import { useAction } from "../components/load";
import { NumberField } from "../components/NumberField";
import { Failure } from "../crypto-units/Failure";
import { useT } from "../i18n";
import { useSession } from "../shell/session";
import { toHex, utf8 } from "../tke/bytes";
import type { Signer } from "../tke/administrator";
import type { KeyPart } from "../tke/key-file";
import { encodeTranscript, isLabel, makeShares, signTranscript, type KeyShare, type MadeShares } from "../tke/key-share";
import { contentOfShare } from "../tke/paper";
import { MAX_SHARES, MIN_THRESHOLD } from "../tke/shamir";
import { writeShare } from "../tke/share-file";
import { MIN_PASSWORD_BYTES } from "../tke/string-fields";
import { download, fileName } from "./files";
import { PrintDialog, type PaperSheet } from "./Paper";
import { useWipe } from "./useWipe";

interface SplitProps {
  part: KeyPart;
  signers: readonly Signer[];
  onClose: () => void;
}

export function SplitDialog({ part, signers, onClose }: SplitProps) {
  const [made, setMade] = useState<MadeShares>();
  const [isPaper, setPaper] = useState(false);
  const [signed, setSigned] = useState(false);
  const hold = useWipe();
  if (!made) {
    return (
      <Numbers
        part={part}
        onClose={onClose}
        onMade={(shares, paper) => {
          for (const { y, blinding } of shares.shares) hold(y, blinding);
          setPaper(paper);
          setMade(shares);
        }}
      />
    );
  }
  if (!signed) return <SignTranscript made={made} signers={signers} onSigned={() => setSigned(true)} onClose={onClose} />;
  return isPaper ? <OnPaper made={made} onClose={onClose} /> : <InFiles made={made} onClose={onClose} />;
}

const now = () => `${new Date().toISOString().slice(0, 19)}Z`;

function Numbers({ part, onMade, onClose }: { part: KeyPart; onMade: (made: MadeShares, paper: boolean) => void; onClose: () => void }) {
  const t = useT();
  const [label, setLabel] = useState(isLabel(part.description) ? part.description : "");
  const [threshold, setThreshold] = useState(3);
  const [count, setCount] = useState(5);
  const [paper, setPaper] = useState("files");
  const isNumber = (value: number, from: number) => Number.isInteger(value) && value >= from && value <= MAX_SHARES;
  const isPossible = isLabel(label) && isNumber(threshold, MIN_THRESHOLD) && isNumber(count, threshold);
  const action = useAction(
    () => makeShares(part.value, label, now(), threshold, count),
    (made) => onMade(made, paper === "paper"),
  );
  return (
    <Dialog title={t("shares.split")} submitLabel={t("shares.next")} busy={action.busy} canSubmit={isPossible} onSubmit={action.run} onClose={onClose}>
      <p>{t("shares.splitMore")}</p>
      <TextField id="share-label" data-modal-primary-focus dir="auto" labelText={t("shares.label")} helperText={t("shares.labelHelp")} value={label} invalid={label !== "" && !isLabel(label)} invalidText={t("shares.labelHelp")} onChange={(event) => setLabel(event.target.value)} />
      <NumberField id="share-count" label={t("shares.count")} min={MIN_THRESHOLD} max={MAX_SHARES} value={count} invalid={!isNumber(count, MIN_THRESHOLD)} invalidText={t("shares.numbers")} onChange={(_, { value }) => setCount(Number(value))} />
      <NumberField id="share-threshold" label={t("shares.threshold")} min={MIN_THRESHOLD} max={MAX_SHARES} value={threshold} invalid={!isNumber(threshold, MIN_THRESHOLD) || threshold > count} invalidText={t("shares.numbers")} onChange={(_, { value }) => setThreshold(Number(value))} />
      <RadioButtonGroup legendText={t("shares.where")} name="share-where" valueSelected={paper} orientation="vertical" onChange={(value) => setPaper(String(value))}>
        <RadioButton id="share-files" value="files" labelText={t("shares.inFiles")} />
        <RadioButton id="share-paper" value="paper" labelText={t("shares.onPaper")} />
      </RadioButtonGroup>
      <Failure error={action.error} />
    </Dialog>
  );
}

function SignTranscript({ made, signers, onSigned, onClose }: { made: MadeShares; signers: readonly Signer[]; onSigned: () => void; onClose: () => void }) {
  const t = useT();
  const [read, setRead] = useState(false);
  const action = useAction(() => signTranscript(made.transcript, signers), onSigned);
  return (
    <Dialog title={t("shares.sign")} submitLabel={t("sign.do.sign")} size="lg" busy={action.busy} canSubmit={read} onSubmit={action.run} onClose={onClose}>
      <p tabIndex={-1} data-modal-primary-focus>
        {t("shares.signMore")}
      </p>
      <p>
        {t("sign.by")} <bdi>{signers.map(({ name }) => name).join(", ")}</bdi>
      </p>
      <pre tabIndex={0} role="group" aria-label={t("shares.sign")} data-testid="share-transcript">
        {encodeTranscript(made.transcript)}
      </pre>
      <Checkbox id="share-read" labelText={t("shares.read")} checked={read} onChange={(_, { checked }) => setRead(checked)} />
      <Failure error={action.error} />
    </Dialog>
  );
}

const stemOf = ({ transcript }: MadeShares) => `${transcript.label}-${toHex(transcript.set).slice(0, 8)}`;
const saveTranscript = (made: MadeShares) => download(fileName(stemOf(made), "mkset"), encodeTranscript(made.transcript), "text/plain");

function InFiles({ made, onClose }: { made: MadeShares; onClose: () => void }) {
  const t = useT();
  const [at, setAt] = useState(0);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const count = made.shares.length;
  const share = made.shares[at];
  const action = useAction(
    async (one: KeyShare) => {
      download(fileName(`${stemOf(made)}-${one.x}of${count}`, "mkshare"), await writeShare(one, made.transcript, password));
    },
    () => {
      setPassword("");
      setAgain("");
      setAt(at + 1);
    },
  );
  if (!share) return <Done made={made} onClose={onClose} />;
  const isLong = utf8(password).length >= MIN_PASSWORD_BYTES;
  return (
    <Dialog title={t("shares.file", { number: share.x, count })} submitLabel={t("file.make")} busy={action.busy} canSubmit={isLong && password === again} onSubmit={() => action.run(share)} onClose={onClose}>
      <p>{t("shares.fileMore")}</p>
      <SecretField key={`password ${at}`} id="file-password" data-modal-primary-focus autoFocus labelText={t("file.password")} helperText={t("shares.passwordHelp")} value={password} invalid={password !== "" && !isLong} invalidText={t("file.passwordShort")} onChange={(event) => setPassword(event.target.value)} />
      <SecretField id="file-again" labelText={t("file.again")} value={again} invalid={again !== "" && again !== password} invalidText={t("file.notSame")} onChange={(event) => setAgain(event.target.value)} />
      <Failure error={action.error} />
    </Dialog>
  );
}

function Done({ made, onClose }: { made: MadeShares; onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t("shares.done")} onClose={onClose}>
      <p>{t("shares.doneMore")}</p>
      <Button size="sm" data-modal-primary-focus onClick={() => saveTranscript(made)}>
        {t("shares.transcript")}
      </Button>
    </Dialog>
  );
}

function OnPaper({ made, onClose }: { made: MadeShares; onClose: () => void }) {
  const t = useT();
  const { environment } = useSession();
  const { transcript, shares } = made;
  const [sheets] = useState(() =>
    shares.map((share): PaperSheet => ({
      title: t("paper.shareTitle", { number: share.x, count: share.count }),
      kind: "share",
      content: contentOfShare(share),
      facts: [
        [t("shares.label"), transcript.label],
        [t("paper.set"), toHex(transcript.set)],
        [t("paper.needed"), t("paper.neededMore", { threshold: transcript.threshold })],
        [t("parts.pattern"), toHex(transcript.hash)],
        [t("paper.deployment"), environment.server],
        [t("paper.printed"), transcript.made],
      ],
    })),
  );
  const [printed, setPrinted] = useState(false);
  const hold = useWipe();
  useEffect(() => sheets.forEach(({ content }) => hold(content)), [hold, sheets]);
  const next = () => {
    for (const { content } of sheets) content.fill(0);
    setPrinted(true);
  };
  if (printed) return <Done made={made} onClose={onClose} />;
  return <PrintDialog sheets={sheets} onClose={next} />;
}

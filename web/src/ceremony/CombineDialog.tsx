// Puts a key part together from its custodians' shares, out of files and from paper, as `keyhaven tke mk-combine` does it: each
// share is held against the signed transcript as soon as it is there, and nothing is combined before there are enough.
import { Button, Tag } from "@carbon/react";
import { useState } from "react";
import { Dialog } from "../components/Dialog";
import { SecretField, TextField } from "../components/fields";
import { useAction } from "../components/load";
import { Failure } from "../crypto-units/Failure";
import { useT } from "../i18n";
import { equal, fromHex, toHex, type Bytes } from "../tke/bytes";
import { SKI_BYTES } from "../tke/administrator";
import { TkeError } from "../tke/error";
import type { KeyPart } from "../tke/key-file";
import { checkShare, combineKeyShares, parseTranscript, verifyTranscript, type KeyShare, type ShareTranscript } from "../tke/key-share";
import { shareOfContent } from "../tke/paper";
import { openShare } from "../tke/share-file";
import { readFile } from "./files";
import { FileChoice } from "./KeyFileDialog";
import { TypeDialog } from "./Paper";
import { useWipe } from "./useWipe";

interface CombineProps {
  // Administrators whose signature on the transcript counts.
  trusted: readonly Bytes[];
  onCombined: (part: KeyPart) => void;
  onClose: () => void;
}

export function CombineDialog({ trusted, onCombined, onClose }: CombineProps) {
  const t = useT();
  const [transcript, setTranscript] = useState<ShareTranscript>();
  const [shares, setShares] = useState<KeyShare[]>([]);
  const [typing, setTyping] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const [password, setPassword] = useState("");
  const [more, setMore] = useState("");
  const hold = useWipe();

  const also = fromHex(more.trim());
  const believe = (one: ShareTranscript) => verifyTranscript(one, also?.length === SKI_BYTES ? [...trusted, also] : trusted);
  const check = async (share: KeyShare, of: ShareTranscript | undefined) => {
    if (!of) throw new TkeError("shares", "shares on paper are checked against the transcript of their set: take the transcript (NAME.mkset) first");
    if (transcript && !equal(transcript.set, of.set)) throw new TkeError("shares", `the share belongs to another set than ${toHex(transcript.set)}`);
    await believe(of);
    await checkShare(transcript ?? of, share);
    if (shares.some(({ x }) => x === share.x)) throw new TkeError("shares", `share ${share.x} of set ${toHex(share.set)} is given twice`);
    return of;
  };
  // Only what fits the transcript is kept.
  const keep = async (share: KeyShare, of: ShareTranscript | undefined) => {
    hold(share.y, share.blinding);
    try {
      const checked = await check(share, of);
      setTranscript((before) => before ?? checked);
      setShares([...shares, share]);
    } catch (error) {
      for (const bytes of [share.y, share.blinding]) bytes.fill(0);
      throw error;
    }
  };
  const takeFile = useAction(
    async () => {
      const { share, transcript: of } = await openShare(await readFile(file!), password);
      await keep(share, of);
    },
    () => {
      setFile(null);
      setPassword("");
    },
  );
  const takeTranscript = useAction(async (chosen: File) => {
    const one = await parseTranscript(await readFile(chosen));
    await believe(one);
    if (transcript && !equal(transcript.set, one.set)) throw new TkeError("shares", `the transcript is of another set than ${toHex(transcript.set)}`);
    setTranscript(one);
  });
  const takeTyped = useAction(async (content: Bytes) => {
    hold(content);
    await keep(shareOfContent(content), transcript);
  });
  const combine = useAction(
    async () => {
      const value = await combineKeyShares(transcript!, shares);
      return { description: transcript!.label, pattern: transcript!.hash, value };
    },
    (part: KeyPart) => onCombined(part),
  );

  if (typing) {
    return (
      <TypeDialog
        kind="share"
        onClose={() => setTyping(false)}
        onRead={(content) => {
          setTyping(false);
          takeTyped.run(content);
        }}
      />
    );
  }
  const enough = transcript !== undefined && shares.length >= transcript.threshold;
  const clear = () => [takeFile, takeTranscript, takeTyped, combine].forEach((action) => action.clear());
  return (
    <Dialog title={t("shares.combine")} submitLabel={t(file ? "shares.open" : "shares.combineDo")} size="md" busy={takeFile.busy || takeTyped.busy || combine.busy} canSubmit={file ? password !== "" : enough} onSubmit={file ? takeFile.run : combine.run} onClose={onClose}>
      <p>{t("shares.combineMore")}</p>
      <p role="status" data-testid="share-count">
        {transcript ? t("shares.have", { have: shares.length, need: transcript.threshold, label: transcript.label }) : t("shares.none")}
        {shares.map(({ x }) => (
          <Tag key={x} size="sm" type="green">
            {t("shares.opened", { number: x })}
          </Tag>
        ))}
      </p>
      <FileChoice
        label={t("shares.choose")}
        accept={[".mkshare", ".json"]}
        onFile={(chosen) => {
          clear();
          setFile(chosen);
        }}
      />
      {file && (
        <>
          <p role="status">
            <bdi>{file.name}</bdi>
          </p>
          <SecretField id="file-password" labelText={t("file.password")} value={password} onChange={(event) => setPassword(event.target.value)} />
        </>
      )}
      <FileChoice
        label={t("shares.takeTranscript")}
        accept={[".mkset", ".txt"]}
        onFile={(chosen) => {
          clear();
          takeTranscript.run(chosen);
        }}
      />
      <Button
        size="sm"
        kind="tertiary"
        disabled={!transcript}
        onClick={() => {
          clear();
          setTyping(true);
        }}
      >
        {t("paper.type.share")}
      </Button>
      <TextField id="share-trust" spellCheck={false} labelText={t("shares.trust")} helperText={t("shares.trustHelp")} value={more} invalid={more !== "" && also?.length !== SKI_BYTES} invalidText={t("records.differenceHelp")} onChange={(event) => setMore(event.target.value)} />
      <Failure error={takeFile.error ?? takeTranscript.error ?? takeTyped.error ?? combine.error} />
    </Dialog>
  );
}

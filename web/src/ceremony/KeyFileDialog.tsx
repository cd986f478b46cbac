// Opens a key file with its password, or makes a new one: for signature keys and for key parts.
import { FileUploaderButton } from "@carbon/react";
import { useState } from "react";
import { Dialog } from "../components/Dialog";
import { SecretField, TextField } from "../components/fields";
import { useAction } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Failure } from "../crypto-units/Failure";
import { useT } from "../i18n";
import { utf8 } from "../tke/bytes";
import type { NewKeyFile } from "../tke/key-file";
import { MIN_PASSWORD_BYTES } from "../tke/string-fields";
import { download, fileName, readFile } from "./files";

export interface FileKind<Opened> {
  // Of the texts "file.<kind>.…".
  kind: "sigkey" | "mkpart";
  open: (text: string, password: string) => Promise<Opened>;
  create: (name: string, password: string) => Promise<NewKeyFile<Opened>>;
  isName: (name: string) => boolean;
}

interface KeyFileDialogProps<Opened> {
  file: FileKind<Opened>;
  mode: "open" | "new";
  onOpened: (opened: Opened) => void;
  onClose: () => void;
}

export function KeyFileDialog<Opened>({ file, mode, onOpened, onClose }: KeyFileDialogProps<Opened>) {
  return mode === "open" ? <OpenDialog file={file} onOpened={onOpened} onClose={onClose} /> : <NewDialog file={file} onOpened={onOpened} onClose={onClose} />;
}

type Part<Opened> = Omit<KeyFileDialogProps<Opened>, "mode">;

function OpenDialog<Opened>({ file, onOpened, onClose }: Part<Opened>) {
  const t = useT();
  const [chosen, setChosen] = useState<File | null>(null);
  const [password, setPassword] = useState("");
  const action = useAction(async () => file.open(await readFile(chosen!), password), onOpened);
  return (
    <Dialog title={t(`file.${file.kind}.open`)} submitLabel={t("file.openIt")} busy={action.busy} canSubmit={chosen !== null && password !== ""} onSubmit={action.run} onClose={onClose}>
      <p>{t("file.openMore")}</p>
      <FileChoice label={t("file.choose")} accept={[`.${file.kind}`, ".json"]} onFile={setChosen} />
      <p role="status">
        <bdi>{chosen?.name ?? t("file.none")}</bdi>
      </p>
      <SecretField id="file-password" labelText={t("file.password")} value={password} onChange={(event) => setPassword(event.target.value)} />
      <Failure error={action.error} />
    </Dialog>
  );
}

function NewDialog<Opened>({ file, onOpened, onClose }: Part<Opened>) {
  const t = useT();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const action = useAction(
    async () => {
      const { opened, text } = await file.create(name, password);
      download(fileName(name, file.kind), text);
      return opened;
    },
    onOpened,
  );
  const isLong = utf8(password).length >= MIN_PASSWORD_BYTES;
  return (
    <Dialog title={t(`file.${file.kind}.new`)} submitLabel={t("file.make")} busy={action.busy} canSubmit={file.isName(name) && isLong && password === again} onSubmit={action.run} onClose={onClose}>
      <p>{t(`file.${file.kind}.newMore`)}</p>
      <TextField id="file-name" data-modal-primary-focus dir="auto" labelText={t(`file.${file.kind}.name`)} helperText={t(`file.${file.kind}.nameHelp`)} value={name} invalid={name !== "" && !file.isName(name)} invalidText={t(`file.${file.kind}.nameHelp`)} onChange={(event) => setName(event.target.value)} />
      <SecretField id="file-password" labelText={t("file.password")} helperText={t("file.passwordHelp")} value={password} invalid={password !== "" && !isLong} invalidText={t("file.passwordShort")} onChange={(event) => setPassword(event.target.value)} />
      <SecretField id="file-again" labelText={t("file.again")} value={again} invalid={again !== "" && again !== password} invalidText={t("file.notSame")} onChange={(event) => setAgain(event.target.value)} />
      <InlineNotice kind="warning" role="status" title={t("file.keep")} subtitle={t("file.keepMore")} />
      <Failure error={action.error} />
    </Dialog>
  );
}

export function FileChoice({ label, accept, onFile, disabled }: { label: string; accept: string[]; onFile: (file: File) => void; disabled?: boolean }) {
  return (
    <FileUploaderButton
      labelText={label}
      buttonKind="tertiary"
      size="sm"
      accept={accept}
      disableLabelChanges
      disabled={disabled}
      onChange={(event) => {
        const file = event.target.files?.[0];
        if (file) onFile(file);
      }}
    />
  );
}

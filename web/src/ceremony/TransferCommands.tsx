// The three commands of a sealed transfer, each proposed from files that are verified in this page first. The keys themselves are
// exported and imported by `keyhaven transfer`.
import { Button, Select, SelectItem } from "@carbon/react";
import { useState } from "react";
import { TextField } from "../components/fields";
import { NumberField } from "../components/NumberField";
import { useT } from "../i18n";
import type { AttestationRoot } from "../tke/attestation";
import type { Bytes } from "../tke/bytes";
import { authorizationInput, bundleBytes, consentOf, isInstanceId, MAX_HOURS, offerFile, offerInput, offerOfText, rootOfText, type Consent } from "../tke/transfer-documents";
import type { UnitFacts } from "../crypto-units/facts";
import type { Signer } from "../tke/administrator";
import type { Ask } from "./actions";
import { proposeTransfer, servingUnits, unitForTransfer, type TransferCommand } from "./commands";
import { download, readFile } from "./files";
import { FileChoice } from "./KeyFileDialog";
import { useTell } from "./OtherCommands";
import type { Work } from "./work";

const COMMANDS = ["offerTransfer", "authorizeTransfer", "consentTransfer"] as const;
const DAY = 24;

// For who sends an offer: the unit's answer as a file.
export async function saveOffer(output: Bytes, root: AttestationRoot, instance: string): Promise<void> {
  const { name, text } = await offerFile(output, root, instance);
  download(name, text, "text/plain");
}

interface TransferProps {
  instance: string;
  root: AttestationRoot;
  facts: readonly UnitFacts[];
  signers: readonly Signer[];
  work: Work;
}

export function TransferCommands({ instance, root, facts, signers, work }: TransferProps) {
  const t = useT();
  const tell = useTell();
  const [command, setCommand] = useState<TransferCommand>("offerTransfer");
  const [rootFile, setRootFile] = useState<File | null>(null);
  const [file, setFile] = useState<File | null>(null);
  const [source, setSource] = useState("");
  const [hours, setHours] = useState(DAY);
  const [unit, setUnit] = useState("");
  const isTimed = command !== "consentTransfer";
  const isReady = rootFile !== null && (!isTimed || (hours > 0 && hours <= MAX_HOURS)) && (command === "offerTransfer" ? isInstanceId(source.trim()) : file !== null);
  const inputOf = async (): Promise<Partial<Consent> & { input: Bytes }> => {
    const other = await rootOfText(await readFile(rootFile!));
    if (command === "offerTransfer") return { input: offerInput(other, source.trim().toLowerCase(), instance, Date.now(), hours) };
    if (command === "authorizeTransfer") return { input: await authorizationInput(offerOfText(await readFile(file!)), other, instance, root, Date.now(), hours) };
    return consentOf(await bundleBytes(file!), other, instance, root);
  };
  const run = () =>
    work.run("transfer", async () => {
      const { input, review, offeredBy } = await inputOf();
      const ask: Ask = (question) => work.ask({ ...question, consent: review });
      const answered = (output: Bytes) => saveOffer(output, root, instance);
      tell(await proposeTransfer(ask, { instance, unit: unitForTransfer(facts, unit, offeredBy), command, input, signers, answered }, work.tell));
    });
  return (
    <>
      <h3>{t("transfer.title")}</h3>
      <p>{t("transfer.intro")}</p>
      <div className="kh-form" data-testid="transfer-commands">
        <Select
          id="transfer-command"
          labelText={t("transfer.command")}
          value={command}
          onChange={(event) => {
            setCommand(event.target.value as TransferCommand);
            setFile(null);
          }}
        >
          {COMMANDS.map((name) => (
            <SelectItem key={name} value={name} text={t(`transfer.${name}`)} />
          ))}
        </Select>
        <FileChoice label={t(command === "authorizeTransfer" ? "transfer.targetRoot" : "transfer.sourceRoot")} accept={[".root", ".txt"]} onFile={setRootFile} />
        <p role="status">
          <bdi>{rootFile?.name ?? t("file.none")}</bdi> <span className="kh-muted">{t("transfer.rootMore")}</span>
        </p>
        {command === "offerTransfer" ? (
          <TextField id="transfer-source" spellCheck={false} labelText={t("transfer.source")} value={source} invalid={source !== "" && !isInstanceId(source.trim())} invalidText={t("transfer.sourceHelp")} onChange={(event) => setSource(event.target.value)} />
        ) : (
          <>
            <FileChoice key={command} label={t(command === "authorizeTransfer" ? "transfer.offerFile" : "transfer.bundleFile")} accept={[".txt", ".bundle"]} onFile={setFile} />
            <p role="status">
              <bdi>{file?.name ?? t("file.none")}</bdi>
            </p>
          </>
        )}
        {isTimed && <NumberField id="transfer-hours" label={t("transfer.hours")} min={1} max={MAX_HOURS} value={hours} onChange={(_, { value }) => setHours(Number(value))} />}
        <Select id="transfer-unit" labelText={t("transfer.unit")} helperText={t("transfer.unitHelp")} value={unit} onChange={(event) => setUnit(event.target.value)}>
          <SelectItem value="" text={t(command === "consentTransfer" ? "transfer.unitOfOffer" : "transfer.unitFirst")} />
          {servingUnits(facts).map(({ unit: { hsm_id, location } }) => (
            <SelectItem key={hsm_id} value={hsm_id} text={location} />
          ))}
        </Select>
        <p>
          <Button size="sm" kind="tertiary" disabled={work.busy !== null || signers.length === 0 || !isReady} onClick={run}>
            {t("transfer.do")}
          </Button>
        </p>
      </div>
    </>
  );
}

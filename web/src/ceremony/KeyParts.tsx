// Key parts: opened or made here, sealed to the units' importer keys, handed over as sealed parts, and loaded together.
import { Button, Select, SelectItem, Tag } from "@carbon/react";
import { useEffect, useState } from "react";
import { CopyableText } from "../components/CopyButton";
import { InlineNotice, useNotify } from "../components/notices";
import { Section } from "../components/Page";
import { Failure } from "../crypto-units/Failure";
import { allAdministrators, strangersIn, type UnitFacts } from "../crypto-units/facts";
import { useT } from "../i18n";
import { RouteLink } from "../shell/router";
import { useSession } from "../shell/session";
import { slice, toHex, utf8, type Bytes } from "../tke/bytes";
import type { Signer } from "../tke/administrator";
import { readSealedPart, writeSealedPart, type SealedPart } from "../tke/import";
import { MAX_DESCRIPTION_BYTES, newKeyPart, openKeyPartFile, type KeyPart } from "../tke/key-file";
import { verificationPattern } from "../tke/key-part";
import { makeImporters } from "./actions";
import { CombineDialog } from "./CombineDialog";
import { download, fileName, readFile } from "./files";
import { FileChoice, KeyFileDialog, type FileKind } from "./KeyFileDialog";
import { PrintDialog, TypeDialog, type PaperSheet } from "./Paper";
import { loadParts, mustBeOfAnother, sealPart, signerOfPart, verifySealedPart } from "./sealing";
import { SplitDialog } from "./SplitDialog";
import type { Parts } from "./useParts";
import { useWipe } from "./useWipe";
import type { Work } from "./work";

const isDescription = (text: string) => text !== "" && utf8(text).length <= MAX_DESCRIPTION_BYTES;
const KEY_PART: FileKind<KeyPart> = { kind: "mkpart", open: openKeyPartFile, create: newKeyPart, isName: isDescription };

interface KeyPartsProps {
  instance: string;
  facts: readonly UnitFacts[];
  // Those of them that take the parts.
  takers: readonly UnitFacts[];
  parts: Parts;
  signers: readonly Signer[];
  work: Work;
}

export function KeyParts({ instance, facts, takers, parts, signers, work }: KeyPartsProps) {
  const t = useT();
  const notify = useNotify();
  const [open, setOpen] = useState<"open" | "new" | "shares" | "paper" | null>(null);
  const [fault, setFault] = useState<unknown>();
  const { opened, sealed } = parts;
  const busy = work.busy !== null || takers.length === 0;
  const strangers = strangersIn(facts);
  const isRefused = busy || strangers.length > 0;

  const add = (part: KeyPart) => {
    setOpen(null);
    parts.open(part);
  };
  const addTyped = async (value: Bytes) => add({ description: t("paper.part"), pattern: await verificationPattern(value), value });
  const receive = async (file: File) => {
    setFault(undefined);
    try {
      const part = await verifySealedPart(readSealedPart(await readFile(file), instance), takers);
      mustBeOfAnother(signerOfPart(part), part.by, sealed.filter(({ pattern }) => pattern !== part.pattern));
      parts.keep(part);
    } catch (error) {
      setFault(error);
    }
  };
  const seal = (part: KeyPart, signer: Signer) =>
    work.run("seal", async () => {
      const others = sealed.filter(({ pattern }) => pattern !== toHex(part.pattern));
      const made = await sealPart(work.ask, { instance, takers, all: facts, part, signer, others });
      if (!made) return;
      parts.forget(part);
      parts.keep(made);
    });
  const load = () =>
    work.run("load", async () => {
      await loadParts(takers, sealed, work.tell);
      parts.dropAll();
      notify(t("parts.loaded", { count: takers.length }));
    });

  return (
    <Section title={t("parts.title")}>
      <p>{t("parts.intro")}</p>
      {strangers.length > 0 && <Strangers instance={instance} strangers={strangers} />}
      <ol className="kh-steps">
        <li>
          <h3>{t("parts.importers")}</h3>
          <p>{t("parts.importersMore")}</p>
          <Button size="sm" kind="tertiary" disabled={busy} onClick={() => work.run("importers", () => makeImporters(work.ask, takers, signers, work.tell))}>
            {t("parts.makeImporters")}
          </Button>
        </li>
        <li>
          <h3>{t("parts.own")}</h3>
          <p>{t("parts.ownMore")}</p>
          <p className="kh-page-actions">
            <Button size="sm" kind="tertiary" onClick={() => setOpen("open")}>
              {t("file.mkpart.open")}
            </Button>
            <Button size="sm" kind="tertiary" onClick={() => setOpen("new")}>
              {t("file.mkpart.new")}
            </Button>
            <Button size="sm" kind="tertiary" onClick={() => setOpen("shares")}>
              {t("shares.combine")}
            </Button>
            <Button size="sm" kind="tertiary" onClick={() => setOpen("paper")}>
              {t("paper.type.part")}
            </Button>
          </p>
          <ul className="kh-rows" data-testid="parts">
            {opened.map((part) => (
              <OpenPart key={toHex(part.pattern)} part={part} signers={signers} used={sealed} busy={work.busy !== null} isRefused={isRefused} onSeal={(signer) => seal(part, signer)} onForget={() => parts.forget(part)} />
            ))}
          </ul>
        </li>
        <li>
          <h3>{t("parts.sealed")}</h3>
          <p>{t("parts.sealedMore")}</p>
          <FileChoice label={t("parts.receive")} accept={[".sealed", ".json"]} disabled={takers.length === 0} onFile={(file) => void receive(file)} />
          <Failure error={fault} />
          <ul className="kh-rows" data-testid="sealed-parts">
            {sealed.map((part) => (
              <li key={part.pattern}>
                <span>
                  <Tag size="sm" type="teal">
                    {t("parts.by", { name: part.by })}
                  </Tag>{" "}
                  <span className="kh-muted">{t("parts.verified")}</span> <CopyableText value={part.pattern} what={t("parts.pattern")} />
                </span>
                <span className="kh-page-actions">
                  <Button size="sm" kind="ghost" onClick={() => download(fileName(`${part.by}-${part.pattern.slice(0, 8)}`, "sealed"), writeSealedPart(part))}>
                    {t("parts.handOver", { name: part.by })}
                  </Button>
                  <Button size="sm" kind="ghost" onClick={() => parts.drop(part)}>
                    {t("parts.drop", { name: part.by })}
                  </Button>
                </span>
              </li>
            ))}
          </ul>
          <Button size="sm" disabled={isRefused || sealed.length < 2} onClick={load}>
            {sealed.length > 0 ? t("parts.load", { count: sealed.length }) : t("parts.loadNone")}
          </Button>
        </li>
      </ol>
      {(open === "open" || open === "new") && <KeyFileDialog file={KEY_PART} mode={open} onClose={() => setOpen(null)} onOpened={add} />}
      {open === "shares" && <CombineDialog trusted={[...allAdministrators(facts), ...signers].map(({ ski }) => ski)} onCombined={add} onClose={() => setOpen(null)} />}
      {open === "paper" && <TypeDialog kind="part" onRead={(value) => void addTyped(value)} onClose={() => setOpen(null)} />}
    </Section>
  );
}

// Units that are not as the others: nobody seals a key part before it is clear whose they are.
function Strangers({ instance, strangers }: { instance: string; strangers: ReturnType<typeof strangersIn> }) {
  const t = useT();
  return (
    <div data-testid="strangers">
      <InlineNotice kind="error" role="alert" title={t("parts.strangers")}>
        <ul className="kh-list">
          {strangers.map(({ facts: { unit }, aspect }) => (
            <li key={`${unit.hsm_id} ${aspect}`}>
              {t(`units.type.${unit.type}`)} <code>{unit.location}</code>: {t(`compare.aspect.${aspect}`)}
            </li>
          ))}
        </ul>
        <p>{t("parts.strangersMore")}</p>
      </InlineNotice>
      {/* Carbon takes no link into a notice. */}
      <p>
        <RouteLink to={`/instances/${instance}/crypto-units?tab=compare`}>{t("parts.compareUnits")}</RouteLink>
      </p>
    </div>
  );
}

interface OpenPartProps {
  part: KeyPart;
  signers: readonly Signer[];
  // Nobody signs two.
  used: readonly SealedPart[];
  busy: boolean;
  isRefused: boolean;
  onSeal: (signer: Signer) => void;
  onForget: () => void;
}

function OpenPart({ part, signers, used, busy, isRefused, onSeal, onForget }: OpenPartProps) {
  const t = useT();
  const [chosen, setChosen] = useState("");
  const [keeping, setKeeping] = useState<"shares" | "paper" | null>(null);
  const isFree = ({ ski }: Signer) => used.every((other) => signerOfPart(other) !== toHex(ski));
  const signer = signers.find(({ ski }) => toHex(ski) === chosen) ?? signers.find(isFree) ?? signers[0];
  const id = `signer-of-${toHex(part.pattern).slice(0, 8)}`;
  return (
    <li>
      <span>
        <bdi>{part.description}</bdi> <CopyableText value={toHex(part.pattern)} what={t("parts.pattern")} />
      </span>
      <span className="kh-page-actions">
        <Select id={id} size="sm" labelText={t("parts.signer")} value={signer ? toHex(signer.ski) : ""} onChange={(event) => setChosen(event.target.value)}>
          {signers.map((one) => (
            <SelectItem key={toHex(one.ski)} value={toHex(one.ski)} text={one.name} />
          ))}
        </Select>
        <Button size="sm" disabled={isRefused || !signer} onClick={() => onSeal(signer!)}>
          {t("parts.seal")}
        </Button>
        <Button size="sm" kind="ghost" disabled={!signer} onClick={() => setKeeping("shares")}>
          {t("shares.split")}
        </Button>
        <Button size="sm" kind="ghost" onClick={() => setKeeping("paper")}>
          {t("paper.print")}
        </Button>
        <Button size="sm" kind="ghost" disabled={busy} onClick={onForget}>
          {t("shares.forget")}
        </Button>
      </span>
      {keeping === "shares" && <SplitDialog part={part} signers={signers} onClose={() => setKeeping(null)} />}
      {keeping === "paper" && <PrintPart part={part} onClose={() => setKeeping(null)} />}
    </li>
  );
}

function PrintPart({ part, onClose }: { part: KeyPart; onClose: () => void }) {
  const t = useT();
  const { environment } = useSession();
  const [sheet] = useState<PaperSheet>(() => ({
    title: t("paper.partTitle"),
    kind: "part",
    content: slice(part.value, 0),
    facts: [
      [t("shares.label"), part.description],
      [t("parts.pattern"), toHex(part.pattern)],
      [t("paper.deployment"), environment.server],
      [t("paper.printed"), `${new Date().toISOString().slice(0, 19)}Z`],
    ],
  }));
  const [sheets] = useState([sheet]);
  const hold = useWipe();
  useEffect(() => hold(sheet.content), [hold, sheet]);
  return <PrintDialog sheets={sheets} onClose={onClose} />;
}

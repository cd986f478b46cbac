// Opens files of the log in this browser, checks them, and searches them. Nothing is uploaded.
import { Button, FileUploaderButton } from "@carbon/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { TextField } from "../components/fields";
import { InlineNotice } from "../components/notices";
import { Section } from "../components/Page";
import { Progress } from "../components/Progress";
import { useT } from "../i18n";
import { useQuery } from "../shell/router";
import { EntryDetails } from "./EntryDetails";
import type { Shown } from "./entries";
import { EntryTable } from "./EntryTable";
import { FileFilters } from "./FileFilters";
import { Findings } from "./Findings";
import { isPublicKey, type Bytes } from "./record";
import { byTime, matches, readFilters } from "./search";
import { verifyFiles, type Entry, type LogFile, type Verification } from "./verify";

// A browser holds so much and stays quick; the command-line tool has no such limit.
const MAX_BYTES = 256 * 1024 * 1024;

const toLogFile = (file: File): LogFile => ({ name: file.name, read: async () => new Uint8Array(await file.arrayBuffer()) as Bytes });

interface State {
  checking?: { done: number; total: number };
  found?: Verification;
  failure?: "tooLarge" | "unreadable" | "noEd25519";
}

export function LogReader({ serverKey }: { serverKey: string }) {
  const t = useT();
  const [typedKey, setTypedKey] = useState<string | null>(null);
  const [files, setFiles] = useState<File[]>([]);
  const [state, setState] = useState<State>({});
  const running = useRef<AbortController>(null);
  useEffect(() => () => running.current?.abort(), []);
  const publicKey = (typedKey ?? serverKey).trim().toLowerCase();

  const check = async (chosen: File[]) => {
    running.current?.abort();
    const abort = (running.current = new AbortController());
    setFiles(chosen);
    if (chosen.reduce((sum, file) => sum + file.size, 0) > MAX_BYTES) return setState({ failure: "tooLarge" });
    setState({ checking: { done: 0, total: 0 } });
    try {
      const found = await verifyFiles(chosen.map(toLogFile), { publicKey, signal: abort.signal, onProgress: (done, total) => setState({ checking: { done, total } }) });
      found.entries.sort(byTime);
      setState({ found });
    } catch (error) {
      if (!abort.signal.aborted) setState({ failure: error instanceof DOMException && error.name === "NotSupportedError" ? "noEd25519" : "unreadable" });
    }
  };
  const cancel = () => {
    running.current?.abort();
    setState({});
  };

  return (
    <Section title={t("audit.read")}>
      <p>{t("audit.readMore")}</p>
      <div className="kh-form kh-policy">
        <TextField
          id="audit-key"
          spellCheck={false}
          labelText={t("audit.publicKey")}
          helperText={t("audit.keyHelp")}
          value={typedKey ?? serverKey}
          invalid={publicKey !== "" && !isPublicKey(publicKey)}
          invalidText={t("audit.keyWrong")}
          onChange={(event) => setTypedKey(event.target.value)}
        />
        <div className="kh-page-actions">
          <FileUploaderButton
            name="audit-files"
            labelText={t("audit.open")}
            buttonKind="tertiary"
            size="md"
            multiple
            disableLabelChanges
            accept={[".log"]}
            disabled={!isPublicKey(publicKey)}
            onChange={(event) => void check([...((event.target as HTMLInputElement).files ?? [])])}
          />
          {files.length > 0 && !state.checking && (
            <Button kind="ghost" size="md" disabled={!isPublicKey(publicKey)} onClick={() => void check(files)}>
              {t("audit.again")}
            </Button>
          )}
        </div>
      </div>
      {state.checking && <Progress label={t("audit.checking")} done={state.checking.done} total={state.checking.total} onCancel={cancel} />}
      {state.failure && <InlineNotice kind="error" role="alert" title={t(`audit.failed.${state.failure}`)} />}
      {state.found && <Findings found={state.found} />}
      {state.found && state.found.entries.length > 0 && <Search entries={state.found.entries} />}
    </Section>
  );
}

function Search({ entries }: { entries: Entry[] }) {
  const [query, change] = useQuery();
  const [shown, setShown] = useState<Shown | null>(null);
  const filters = useMemo(() => readFilters(query), [query]);
  const found = useMemo(() => entries.filter((entry) => matches(entry, filters)), [entries, filters]);
  return (
    <>
      <EntryTable entries={found} toolbar={<FileFilters filters={filters} onChange={change} />} onOpen={setShown} />
      {shown && <EntryDetails entry={shown} onClose={() => setShown(null)} />}
    </>
  );
}

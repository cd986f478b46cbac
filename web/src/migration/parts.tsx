// Small pieces that the tabs share.
import { Button, Search, Tag } from "@carbon/react";
import { useEffect, useState } from "react";
import type { KeyState, Run } from "../api/migration";
import { Fact, Facts } from "../components/Page";
import { Time } from "../components/Time";
import { useT, type TextKey } from "../i18n";
import { figuresOf } from "./rules";

const LOOK = { planned: "gray", begun: "blue", done: "teal", verified: "green", failed: "red", blocked: "purple", reported: "warm-gray" } as const;

// A state that this page does not know is shown as the tool names it.
export function StateTag({ state, count }: { state: KeyState; count?: number }) {
  const t = useT();
  const name = state in LOOK ? t(`migration.state.${state}`) : state;
  return (
    <Tag size="sm" type={LOOK[state] ?? "gray"}>
      {count === undefined ? name : `${name}: ${count.toLocaleString()}`}
    </Tag>
  );
}

// What a run of a verb counted; figures of a newer tool keep its names.
export function Figures({ run }: { run: Run }) {
  const t = useT();
  return (
    <Facts>
      {typeof run.at === "string" && (
        <Fact name={t("migration.at")}>
          <Time value={run.at} />
        </Fact>
      )}
      {figuresOf(run).map(([name, value]) => (
        <Fact key={name} name={t.find(`migration.figure.${name}`) ?? name}>
          {value.toLocaleString()}
        </Fact>
      ))}
    </Facts>
  );
}

// Of a list or group of figures within a section.
export const Subheading = ({ text }: { text: string }) => <h3 style={{ marginBlockStart: "1rem", fontWeight: 600 }}>{text}</h3>;

// The last cutover may have been one that took everything back.
export const cutoverTitle = (run: Run): TextKey => (run.undone === true ? "migration.lastUndo" : "migration.lastCutover");

// Texts of the tool and names from the source: as text, in whatever direction they are written.
export function Texts({ all }: { all: readonly string[] }) {
  return (
    <ul className="kh-list">
      {all.map((text, index) => (
        <li key={index} dir="auto" className="kh-name">
          {text}
        </li>
      ))}
    </ul>
  );
}

export function Named({ title, all }: { title: string; all: readonly string[] }) {
  if (all.length === 0) return null;
  return (
    <>
      <Subheading text={title} />
      <Texts all={all} />
    </>
  );
}

interface SearchFieldProps {
  value: string;
  onChange: (value: string) => void;
}

export function SearchField({ value, onChange }: SearchFieldProps) {
  const t = useT();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <form
      role="search"
      className="kh-search"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(text.trim());
      }}
    >
      <Search size="md" labelText={t("migration.search")} placeholder={t("migration.search")} closeButtonLabelText={t("action.clear")} value={text} onChange={(event) => setText(event.target.value)} onClear={() => onChange("")} />
    </form>
  );
}

export function ClearFilters({ onClear }: { onClear: () => void }) {
  const t = useT();
  return (
    <Button kind="ghost" size="md" onClick={onClear}>
      {t("keys.clearFilters")}
    </Button>
  );
}

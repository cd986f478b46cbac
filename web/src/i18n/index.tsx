// Texts. `t("keys.title")` where the key must exist; `{name}` in a text is filled from the second argument.
// A page is drawn when the texts of its areas are there, and a language is changed when those of the new one are.
// Values are put in as text, never as markup, so a hostile key name stays a name.
import { createContext, use, useContext, useDeferredValue, useEffect, useMemo, useState, type ReactNode } from "react";
import { useLanguageChoice } from "../shell/preferences";
import type { Area, TextKey } from "./areas";
import { load, lookUp, type Language } from "./catalogue";
import { fillText, type Values } from "./fill";

export { LANGUAGES, type Language } from "./catalogue";
export type { Area, TextKey, Values };

export interface Translate {
  (key: TextKey, values?: Values): string;
  // For words of the server or of a tool: undefined when there is no text of that name.
  find(key: string, values?: Values): string | undefined;
}

export interface I18n {
  language: Language;
  t: Translate;
}

function translateTo(language: Language): Translate {
  const find = (key: string, values?: Values) => {
    const text = lookUp(language, key);
    return text === undefined ? undefined : fillText(text, values);
  };
  return Object.assign((key: TextKey, values?: Values) => find(key, values) ?? key, { find });
}

const Context = createContext<I18n>({ language: "en", t: translateTo("en") });

const ofBrowser = (): Language => (navigator.languages.some((tag) => tag.toLowerCase().startsWith("ko")) && !navigator.language.toLowerCase().startsWith("en") ? "ko" : "en");

const BASE = ["base"] as const;

// Nothing is drawn in the wrong language first: what needs texts that are not here yet waits for them.
// The last hook of its component: when React draws it again, fewer texts may be missing, and it would take hooks that
// follow for others (React error 467).
function useTexts(language: Language, areas: readonly (Area | "base")[]): void {
  // All are asked for before the first is waited for.
  for (const promise of areas.map((area) => load(language, area))) if (promise) use(promise);
}

export function I18nProvider({ children }: { children: ReactNode }) {
  const [choice] = useLanguageChoice();
  // Deferred: the page stays in the old language while the texts of the new one are on their way.
  const language = useDeferredValue(choice === "system" ? ofBrowser() : choice);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const value = useMemo(() => ({ language, t: translateTo(language) }), [language]);
  return (
    <Context value={value}>
      <WithTexts areas={BASE}>{children}</WithTexts>
    </Context>
  );
}

// Around a page: its children are drawn when the texts of its areas are there.
export function WithTexts({ areas, children }: { areas: readonly (Area | "base")[]; children: ReactNode }) {
  useTexts(useI18n().language, areas);
  return children;
}

// For texts that a component can do without: it is drawn without them first, and again when they are here. They may
// never come, when the server that has them is what fails.
export function useTextsIfAny(area: Area): void {
  const { language } = useI18n();
  const [, redraw] = useState(0);
  useEffect(() => {
    let wanted = true;
    load(language, area)?.then(
      () => wanted && redraw((turn) => turn + 1),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [language, area]);
}

export const useI18n = () => useContext(Context);
export const useT = () => useContext(Context).t;

// Texts. `t("keys.title")` where the key must exist; `{name}` in a text is filled from the second argument.
// English is the source of the keys; every other catalogue must have exactly the same (ko.ts does not compile otherwise).
// Values are put in as text, never as markup, so a hostile key name stays a name.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { useLanguageChoice } from "../shell/preferences";
import { en } from "./en";
import { fillText, type Values } from "./fill";

export type Language = "en" | "ko";
export type TextKey = keyof typeof en;
export type Catalogue = Record<TextKey, string>;
export type { Values };
export type Translate = (key: TextKey, values?: Values) => string;

// English names of the languages are never shown: each language is called by its own name.
export const LANGUAGES: Record<Language, string> = { en: "English", ko: "한국어" };

export interface I18n {
  language: Language;
  t: Translate;
}

const Context = createContext<I18n>({ language: "en", t: (key, values) => fillText(en[key], values) });

// English is in the first load; other catalogues come when they are wanted.
const catalogues: Record<Language, () => Promise<Catalogue>> = {
  en: () => Promise.resolve(en),
  ko: () => import("./ko").then((module) => module.ko),
};

const ofBrowser = (): Language => (navigator.languages.some((tag) => tag.toLowerCase().startsWith("ko")) && !navigator.language.toLowerCase().startsWith("en") ? "ko" : "en");

export function I18nProvider({ children }: { children: ReactNode }) {
  const [choice] = useLanguageChoice();
  const language = choice === "system" ? ofBrowser() : choice;
  const [loaded, setLoaded] = useState<{ language: Language; texts: Catalogue } | null>(language === "en" ? { language, texts: en } : null);

  useEffect(() => {
    let wanted = true;
    void catalogues[language]().then((texts) => {
      if (wanted) setLoaded({ language, texts });
    });
    return () => {
      wanted = false;
    };
  }, [language]);

  useEffect(() => {
    if (loaded) document.documentElement.lang = loaded.language;
  }, [loaded]);

  const t = useCallback<Translate>((key, values) => fillText((loaded?.texts ?? en)[key], values), [loaded]);
  const value = useMemo(() => ({ language: loaded?.language ?? "en", t }), [loaded, t]);
  // Nothing is drawn in the wrong language first.
  return loaded ? <Context value={value}>{children}</Context> : null;
}

export const useI18n = () => useContext(Context);
export const useT = () => useContext(Context).t;

// The texts that are here by now, per language, and how more of them come.
import { AREAS, type Area } from "./areas";
import { base } from "./en";

export type Language = "en" | "ko";

// English names of the languages are never shown: each language is called by its own name.
export const LANGUAGES: Record<Language, string> = { en: "English", ko: "한국어" };

const texts: Record<Language, Record<string, string>> = { en: { ...base }, ko: {} };

// The English base is in the first load.
const present = new Set<string>(["en:base"]);
const coming = new Map<string, Promise<void>>();

const read = (language: Language, area: Area | "base"): Promise<Record<string, string>> => {
  if (area !== "base") return AREAS[area][language]();
  return language === "ko" ? import("./ko").then((file) => file.base) : Promise.resolve(base);
};

// Null when the texts are here; else a promise that is the same one until they are. After a failure the next call tries again.
export function load(language: Language, area: Area | "base"): Promise<void> | null {
  const name = `${language}:${area}`;
  if (present.has(name)) return null;
  let promise = coming.get(name);
  if (!promise) {
    promise = read(language, area)
      .then((more) => {
        Object.assign(texts[language], more);
        present.add(name);
      })
      .finally(() => coming.delete(name));
    coming.set(name, promise);
  }
  return promise;
}

export const lookUp = (language: Language, key: string): string | undefined => (Object.hasOwn(texts[language], key) ? texts[language][key] : undefined);

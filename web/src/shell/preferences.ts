// What a person prefers: language and theme. Nothing else is ever kept in the browser's storage.
import { useSyncExternalStore } from "react";

export type ThemeChoice = "system" | "light" | "dark";
export type LanguageChoice = "system" | "en" | "ko";

const KEY = { theme: "keyhaven.theme", language: "keyhaven.language" } as const;
const listeners = new Set<() => void>();

// Storage can be switched off; the choice then lasts as long as the page.
const kept = new Map<string, string>();
function load(name: string): string | null {
  try {
    return localStorage.getItem(name) ?? kept.get(name) ?? null;
  } catch {
    return kept.get(name) ?? null;
  }
}
function save(name: string, value: string): void {
  kept.set(name, value);
  try {
    localStorage.setItem(name, value);
  } catch {
    // Kept in memory above.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const choice = <Value extends string>(name: string, allowed: readonly Value[], other: Value) => {
  const value = load(name) as Value | null;
  return value && allowed.includes(value) ? value : other;
};

const themeChoice = () => choice<ThemeChoice>(KEY.theme, ["system", "light", "dark"], "system");
const languageChoice = () => choice<LanguageChoice>(KEY.language, ["system", "en", "ko"], "system");

export const useThemeChoice = () => [useSyncExternalStore(subscribe, themeChoice), (value: ThemeChoice) => save(KEY.theme, value)] as const;
export const useLanguageChoice = () => [useSyncExternalStore(subscribe, languageChoice), (value: LanguageChoice) => save(KEY.language, value)] as const;

const darkSystem = window.matchMedia("(prefers-color-scheme: dark)");
function subscribeSystem(listener: () => void): () => void {
  darkSystem.addEventListener("change", listener);
  return () => darkSystem.removeEventListener("change", listener);
}

// The theme in force.
export function useTheme(): "light" | "dark" {
  const [theme] = useThemeChoice();
  const dark = useSyncExternalStore(subscribeSystem, () => darkSystem.matches);
  return theme === "system" ? (dark ? "dark" : "light") : theme;
}

// A moment: local zone in the text, UTC on hover and for screen readers' time element.
import { useI18n } from "../i18n";

// How the reader writes dates: en-GB and en-US differ.
export const localeOf = (language: string) => navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;

// "long" has seconds and the zone.
export function localTime(moment: string, language: string, timeStyle: "short" | "long" = "short"): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : date.toLocaleString(localeOf(language), { dateStyle: "medium", timeStyle });
}

export function utcTime(moment: string): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? moment : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

interface TimeProps {
  value: string | undefined;
  // With seconds and zone, where the order of events matters.
  exact?: boolean;
}

export function Time({ value, exact = false }: TimeProps) {
  const { language } = useI18n();
  if (!value) return <span className="kh-muted">–</span>;
  return (
    <time dateTime={value} title={utcTime(value)} className="kh-time">
      {localTime(value, language, exact ? "long" : "short")}
    </time>
  );
}

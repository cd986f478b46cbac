// A moment: local zone in the text, UTC on hover and for screen readers' time element.
import { useI18n } from "../i18n";

// How the reader writes dates: en-GB and en-US differ.
export const localeOf = (language: string) => navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;

// "GMT+9". The browser's own long style has it, too, but spells the time out in Korean.
const zoneOf = (date: Date, locale: string) => new Intl.DateTimeFormat(locale, { timeZoneName: "short" }).formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ?? "";

// "long" has seconds and the zone.
export function localTime(moment: string, language: string, style: "short" | "long" = "short"): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  const locale = localeOf(language);
  if (style === "short") return date.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
  return `${date.toLocaleString(locale, { dateStyle: "medium", timeStyle: "medium" })} ${zoneOf(date, locale)}`;
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

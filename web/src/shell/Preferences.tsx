import { Select, SelectItem } from "@carbon/react";
import { LANGUAGES, useT } from "../i18n";
import { useLanguageChoice, useThemeChoice, type LanguageChoice, type ThemeChoice } from "./preferences";

export function Preferences() {
  const t = useT();
  const [theme, setTheme] = useThemeChoice();
  const [language, setLanguage] = useLanguageChoice();
  return (
    <div className="kh-preferences">
      <Select id="language" size="sm" labelText={t("user.language")} value={language} onChange={(event) => setLanguage(event.target.value as LanguageChoice)}>
        <SelectItem value="system" text={t("user.system")} />
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <SelectItem key={tag} value={tag} text={name} lang={tag} />
        ))}
      </Select>
      <Select id="theme" size="sm" labelText={t("user.theme")} value={theme} onChange={(event) => setTheme(event.target.value as ThemeChoice)}>
        <SelectItem value="system" text={t("user.system")} />
        <SelectItem value="light" text={t("user.light")} />
        <SelectItem value="dark" text={t("user.dark")} />
      </Select>
    </div>
  );
}

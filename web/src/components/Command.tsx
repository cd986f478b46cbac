// A command line to be copied. Its first words name it for screen readers: "keyhaven migrate plan".
import { useT } from "../i18n";
import { CopyButton } from "./CopyButton";

const NAMING = 3;

function nameOf(command: string): string {
  const words = command.split(/\s+/);
  const options = words.findIndex((word) => word.startsWith("-"));
  return words.slice(0, Math.min(NAMING, options < 0 ? NAMING : options)).join(" ");
}

export function Command({ text }: { text: string }) {
  const t = useT();
  const name = nameOf(text);
  return (
    <div className="kh-script">
      <CopyButton value={text} what={t("copy.command", { command: name })} />
      <pre tabIndex={0} role="group" aria-label={name}>
        {text}
      </pre>
    </div>
  );
}

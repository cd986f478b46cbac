// A command block in words, decoded in this page from the bytes that are signed.
import { CopyableText } from "../components/CopyButton";
import { InlineNotice } from "../components/notices";
import { Fact, Facts } from "../components/Page";
import { useT, type Translate } from "../i18n";
import type { BlockText } from "../tke/block-text";

// Names of commands and lines have texts; those that have none are shown as the protocol calls them.
function named(t: Translate, kind: "command" | "block", name: string): string {
  const key = kind === "command" ? `command.${name}` : `block.${name.replace(/\d+/, "#")}`;
  return t.find(key, { number: /\d+/.exec(name)?.[0] ?? "" }) ?? name;
}
export const commandName = (t: Translate, command: string): string => named(t, "command", command);

interface BlockWordsProps {
  text: BlockText;
  sha512: string;
  // Location of the unit that the block is for.
  unit: string;
}

export function BlockWords({ text, sha512, unit }: BlockWordsProps) {
  const t = useT();
  return (
    <div className="kh-block" data-testid="block">
      <h3>{commandName(t, text.command)}</h3>
      {!text.understood && <InlineNotice kind="warning" role="alert" title={t("block.notUnderstood")} subtitle={t("block.notUnderstoodMore")} />}
      <Facts>
        <Fact name={t("block.unit")}>
          <code>{unit}</code>
        </Fact>
        {[...text.about, ...text.frame].map((line) => (
          <Fact key={line.name} name={named(t, "block", line.name)}>
            <code>{line.value}</code>
          </Fact>
        ))}
        <Fact name={t("block.sha512")}>
          <CopyableText value={sha512} what={t("copy.of", { what: t("block.sha512"), name: unit })} />
        </Fact>
      </Facts>
    </div>
  );
}

// The administrators that the units have, and taking one out.
import { Button, Tag } from "@carbon/react";
import { Section } from "../components/Page";
import { allAdministrators, hasAdministrator, type UnitFacts } from "../crypto-units/facts";
import { useT } from "../i18n";
import { toHex } from "../tke/bytes";
import type { Administrator, Signer } from "../tke/administrator";
import { shownText } from "../tke/block-text";
import { remove } from "./actions";
import type { Work } from "./work";

interface InstalledProps {
  instance: string;
  facts: readonly UnitFacts[];
  signers: readonly Signer[];
  work: Work;
}

export function Installed({ instance, facts, signers, work }: InstalledProps) {
  const t = useT();
  const all = allAdministrators(facts);
  if (all.length === 0) return null;
  const take = (one: Administrator) => work.run("enrol", () => remove(work.ask, instance, facts, one.ski, signers, work.tell));
  return (
    <Section title={t("installed.title")}>
      <ul className="kh-rows" data-testid="installed">
        {all.map((one) => {
          const count = facts.filter((unit) => hasAdministrator(unit, one.ski)).length;
          const name = shownText(one.name);
          return (
            <li key={toHex(one.ski)}>
              <span>
                <bdi>{name}</bdi> <code>{toHex(one.ski)}</code>{" "}
                {count < facts.length && (
                  <Tag size="sm" type="warm-gray">
                    {t("signers.lacking", { count: facts.length - count, total: facts.length })}
                  </Tag>
                )}
              </span>
              <Button size="sm" kind="danger--ghost" disabled={work.busy !== null} onClick={() => take(one)}>
                {t("installed.remove", { name })}
              </Button>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

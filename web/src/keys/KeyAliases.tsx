import { Button } from "@carbon/react";
import { useState } from "react";
import { addAlias, removeAlias } from "../api/keys";
import { ErrorNotice } from "../components/ErrorNotice";
import { TextField } from "../components/fields";
import { Add, TrashCan } from "../components/icons";
import { useAction } from "../components/load";
import { MayButton } from "../components/Needs";
import { useT } from "../i18n";
import { useMay } from "../shell/permissions";
import type { PartProps } from "./KeyPage";
import { ALIASES_MAX, isAlias, placeOf } from "./rules";

export function KeyAliases({ instance, item, reload }: PartProps) {
  const t = useT();
  const may = useMay();
  const [alias, setAlias] = useState("");
  const adding = useAction(
    () => addAlias(instance, item.id, alias),
    () => {
      setAlias("");
      reload();
    },
  );
  const removing = useAction((gone: string) => removeAlias(instance, item.id, gone), reload);
  const aliases = item.aliases ?? [];
  const isFull = aliases.length >= ALIASES_MAX;
  const isWrong = alias.length > 1 && !isAlias(alias);
  return (
    <>
      {aliases.length === 0 && <p className="kh-muted">{t("details.noAliases")}</p>}
      <ul className="kh-aliases">
        {aliases.map((name) => (
          <li key={name}>
            <code>{name}</code>
            <MayButton needs="secrets-alias.delete" where={placeOf(item)} kind="ghost" size="sm" hasIconOnly renderIcon={TrashCan} iconDescription={t("details.removeAlias", { alias: name })} disabled={removing.busy} onClick={() => removing.run(name)} />
          </li>
        ))}
      </ul>
      <ErrorNotice error={removing.error} />
      {item.state !== 5 && may("secrets-alias.create", placeOf(item)) && (
        <form
          className="kh-inline"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (isAlias(alias) && !isFull) adding.run();
          }}
        >
          <TextField
            id="new-alias"
            autoComplete="off"
            spellCheck={false}
            labelText={t("details.addAlias")}
            helperText={isFull ? t("details.aliasFull") : ""}
            value={alias}
            disabled={isFull}
            invalid={isWrong}
            invalidText={t("keyForm.aliasWrong", { alias })}
            onChange={(event) => setAlias(event.target.value.trim())}
          />
          <Button type="submit" size="md" renderIcon={Add} disabled={!isAlias(alias) || isFull || adding.busy}>
            {t("details.addAlias")}
          </Button>
        </form>
      )}
      <ErrorNotice error={adding.error} />
    </>
  );
}

import { Button } from "@carbon/react";
import { useEffect, useRef, useState } from "react";
import { addAlias, removeAlias } from "../api/keys";
import { Confirm } from "../components/Confirm";
import { ErrorNotice } from "../components/ErrorNotice";
import { TextField } from "../components/fields";
import { Add, TrashCan } from "../components/icons";
import { useAction } from "../components/load";
import { MayButton } from "../components/Needs";
import { useNotify } from "../components/notices";
import { useT } from "../i18n";
import { useMay } from "../shell/permissions";
import type { PartProps } from "./KeyPage";
import { ALIASES_MAX, isAlias, placeOf } from "./rules";

export function KeyAliases({ instance, item, reload }: PartProps) {
  const t = useT();
  const may = useMay();
  const notify = useNotify();
  const [alias, setAlias] = useState("");
  const [removing, setRemoving] = useState<string | null>(null);
  // When the list is the new one, the next alias can be typed.
  const hasChanged = useRef(false);
  const done = (text: string) => {
    hasChanged.current = true;
    notify(text);
    reload();
  };
  const adding = useAction(
    () => addAlias(instance, item.id, alias),
    () => {
      setAlias("");
      done(t("details.aliasAdded", { alias }));
    },
  );
  const aliases = item.aliases ?? [];
  const list = aliases.join();
  useEffect(() => {
    if (!hasChanged.current) return;
    hasChanged.current = false;
    document.getElementById("new-alias")?.focus();
  }, [list]);
  const isFull = aliases.length >= ALIASES_MAX;
  const isWrong = alias.length > 1 && !isAlias(alias);
  return (
    <>
      {aliases.length === 0 && <p className="kh-muted">{t("details.noAliases")}</p>}
      <ul className="kh-aliases">
        {aliases.map((name) => (
          <li key={name}>
            <code>{name}</code>
            <MayButton needs="secrets-alias.delete" where={placeOf(item)} kind="ghost" size="sm" hasIconOnly renderIcon={TrashCan} iconDescription={t("details.removeAlias", { alias: name })} onClick={() => setRemoving(name)} />
          </li>
        ))}
      </ul>
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
      {removing !== null && (
        <Confirm
          title={t("details.removeAliasTitle")}
          confirmLabel={t("details.removeAliasTitle")}
          danger
          work={() => removeAlias(instance, item.id, removing)}
          onClose={() => setRemoving(null)}
          onDone={() => {
            setRemoving(null);
            done(t("details.aliasRemoved", { alias: removing }));
          }}
        >
          <p>
            <code>{removing}</code>
          </p>
          <p>{t("details.removeAliasMore")}</p>
        </Confirm>
      )}
    </>
  );
}

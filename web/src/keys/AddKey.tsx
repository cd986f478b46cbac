// Creating a key, or importing one's own: plainly or by secure import.
import { RadioButton, RadioButtonGroup, Select, SelectItem } from "@carbon/react";
import { useState } from "react";
import { createKey, listRings, readAddingRules, type AddingRules, type Key, type Material, type NewKey } from "../api/keys";
import { Dialog } from "../components/Dialog";
import { TextAreaField, TextField } from "../components/fields";
import { useAction, useLoad } from "../components/load";
import { useT, type Translate } from "../i18n";
import { useMay } from "../shell/permissions";
import { DEFAULT_RING } from "../key-rings/rules";
import { isMaterial, MaterialInput } from "./MaterialInput";
import { isAlias, isDescription, isName, splitAliases, tooManyAliases } from "./rules";
import { isSealed, SecureImport } from "./SecureImport";

interface AddKeyProps {
  instance: string;
  how: "create" | "import";
  // The ring of the list behind the dialog, or "".
  ring: string;
  onClose: () => void;
  onDone: (key: Key) => void;
}

interface Form {
  name: string;
  root: boolean;
  description: string;
  aliases: string;
  ring: string;
  // Local time, as the browser's field gives it.
  expires: string;
  material: string;
  isSecure: boolean;
  sealed: Material;
}

const START: Form = { name: "", root: true, description: "", aliases: "", ring: DEFAULT_RING, expires: "", material: "", isSecure: false, sealed: {} };

const aliasFault = (t: Translate, form: Form): string => {
  const aliases = splitAliases(form.aliases);
  const wrong = aliases.find((alias) => !isAlias(alias));
  if (wrong) return t("keyForm.aliasWrong", { alias: wrong });
  return tooManyAliases(aliases) ? t("keyForm.aliasesMany") : "";
};
const isFuture = (local: string) => local === "" || new Date(local).getTime() > Date.now();

function isComplete(t: Translate, form: Form, how: AddKeyProps["how"]): boolean {
  const isDescribed = isName(form.name) && isDescription(form.description) && !aliasFault(t, form) && isFuture(form.expires);
  if (!isDescribed || how === "create") return isDescribed;
  return form.isSecure && form.root ? isSealed(form.sealed) : isMaterial(form.material, form.root);
}

// The policy of the instance; without one everything may be added. Standard keys have no secure import.
function mayAdd(rules: AddingRules | null | undefined, how: AddKeyProps["how"], root: boolean): boolean {
  if (!rules) return true;
  if (how === "create") return root ? rules.create_root_key : rules.create_standard_key;
  return root ? rules.import_root_key : rules.import_standard_key && !rules.enforce_token;
}

function requestOf(form: Form, how: AddKeyProps["how"]): NewKey {
  const aliases = splitAliases(form.aliases);
  const material: Material = how === "create" ? {} : form.isSecure && form.root ? form.sealed : { payload: form.material.trim() };
  return {
    name: form.name,
    extractable: !form.root,
    ...(form.description && { description: form.description }),
    ...(aliases.length > 0 && { aliases }),
    ...(form.expires && { expirationDate: `${new Date(form.expires).toISOString().slice(0, 19)}Z` }),
    ...material,
  };
}

// The ring wanted, or where the caller may add keys; `rings` null: in every ring.
const firstRing = (wanted: string, rings: string[] | null) => (rings === null || rings.includes(wanted) ? wanted : (rings[0] ?? wanted));

export function AddKey({ instance, how, ring, onClose, onDone }: AddKeyProps) {
  const t = useT();
  const may = useMay();
  const rings = may.rings("secrets.create");
  const [form, setForm] = useState<Form>({ ...START, ring: firstRing(ring || DEFAULT_RING, rings) });
  const set = (change: Partial<Form>) => setForm((before) => ({ ...before, ...change }));
  const action = useAction(() => createKey(instance, requestOf(form, how), form.ring), onDone);
  const isImport = how === "import";
  const rules = useLoad(may("instance-policies.read") ? `adding-rules:${instance}` : null, (signal) => readAddingRules(instance, signal)).data;
  const mayRoot = mayAdd(rules, how, true);
  const mayStandard = mayAdd(rules, how, false);
  // What the policy leaves open is chosen, whatever was chosen before it was read.
  if (form.root ? !mayRoot && mayStandard : !mayStandard && mayRoot) set({ root: !form.root });
  if (rules?.enforce_token && isImport && !form.isSecure) set({ isSecure: true });
  return (
    <Dialog
      size="md"
      title={t(isImport ? "keyForm.importTitle" : "keyForm.createTitle")}
      submitLabel={t(isImport ? "keyForm.submitImport" : "keyForm.submitCreate")}
      busy={action.busy}
      error={action.error}
      canSubmit={isComplete(t, form, how) && mayAdd(rules, how, form.root)}
      onSubmit={action.run}
      onClose={onClose}
    >
      <RadioButtonGroup legendText={t("keys.type")} name="key-type" valueSelected={form.root ? "root" : "standard"} onChange={(value) => set({ root: value === "root" })}>
        {mayRoot ? <RadioButton id="type-root" value="root" labelText={t("keys.root")} /> : null}
        {mayStandard ? <RadioButton id="type-standard" value="standard" labelText={t("keys.standard")} /> : null}
      </RadioButtonGroup>
      {!(mayRoot && mayStandard) && <p className="kh-muted">{t(mayRoot || mayStandard ? "keyForm.someForbidden" : "keyForm.allForbidden")}</p>}
      <Description instance={instance} form={form} set={set} />
      {isImport && <ImportPart instance={instance} form={form} set={set} onlySecure={rules?.enforce_token ?? false} />}
      <p className="kh-muted">{t("keyForm.policyNote")}</p>
    </Dialog>
  );
}

interface PartProps {
  instance: string;
  form: Form;
  set: (change: Partial<Form>) => void;
}

function Description({ instance, form, set }: PartProps) {
  const t = useT();
  const may = useMay();
  const allowed = may.rings("secrets.create");
  // Without a right on the whole instance there is no list of its rings: the caller's own are all there is to choose from.
  const rings = useLoad(allowed === null && may("key-rings.list") ? `rings:${instance}` : null, (signal) => listRings(instance, signal));
  const wrongAlias = aliasFault(t, form);
  const names = allowed ?? rings.data?.map(({ id }) => id) ?? [form.ring];
  return (
    <>
      <TextField
        id="key-name"
        data-modal-primary-focus
        autoComplete="off"
        dir="auto"
        labelText={t("common.name")}
        helperText={t("keyForm.nameHelp")}
        value={form.name}
        invalid={form.name !== "" && !isName(form.name)}
        invalidText={t("keyForm.nameWrong")}
        onChange={(event) => set({ name: event.target.value })}
      />
      <TextField
        id="key-aliases"
        autoComplete="off"
        spellCheck={false}
        labelText={`${t("keys.aliases")} (${t("common.optional")})`}
        helperText={t("keyForm.aliasesHelp")}
        value={form.aliases}
        invalid={wrongAlias !== ""}
        invalidText={wrongAlias}
        onChange={(event) => set({ aliases: event.target.value })}
      />
      <div className="kh-row">
        <Select id="key-ring" labelText={t("keys.ring")} value={form.ring} onChange={(event) => set({ ring: event.target.value })}>
          {(names.includes(form.ring) ? names : [form.ring, ...names]).map((id) => (
            <SelectItem key={id} value={id} text={id} />
          ))}
        </Select>
        <TextField
          id="key-expires"
          type="datetime-local"
          labelText={`${t("keyForm.expiration")} (${t("common.optional")})`}
          helperText={t("keyForm.expirationHelp")}
          value={form.expires}
          invalid={!isFuture(form.expires)}
          invalidText={t("keyForm.expirationWrong")}
          onChange={(event) => set({ expires: event.target.value })}
        />
      </div>
      <TextAreaField
        id="key-description"
        rows={2}
        dir="auto"
        labelText={`${t("keys.description")} (${t("common.optional")})`}
        helperText={t("keyForm.descriptionHelp")}
        value={form.description}
        invalid={!isDescription(form.description)}
        invalidText={t("keyForm.descriptionWrong")}
        onChange={(event) => set({ description: event.target.value })}
      />
    </>
  );
}

function ImportPart({ instance, form, set, onlySecure }: PartProps & { onlySecure: boolean }) {
  const t = useT();
  // The server asks for the right in the ring "default" when a call names no ring.
  const mayToken = useMay()("import-token.create", { ring: DEFAULT_RING });
  return (
    <>
      <RadioButtonGroup
        legendText={t("keyForm.how")}
        name="key-travels"
        orientation="vertical"
        helperText={form.root ? "" : t("keyForm.secureRootOnly")}
        valueSelected={form.isSecure && form.root ? "secure" : "plain"}
        onChange={(value) => set({ isSecure: value === "secure" })}
      >
        <RadioButton id="travels-plain" value="plain" labelText={t("keyForm.plain")} disabled={onlySecure} />
        <RadioButton id="travels-secure" value="secure" labelText={t("keyForm.secure")} disabled={!form.root || !mayToken} />
      </RadioButtonGroup>
      {form.isSecure && form.root ? (
        <SecureImport instance={instance} value={form.sealed} onChange={(sealed) => set({ sealed })} />
      ) : (
        <>
          <MaterialInput root={form.root} value={form.material} onChange={(material) => set({ material })} />
          <p className="kh-muted">{t("keyForm.materialWarning")}</p>
        </>
      )}
    </>
  );
}

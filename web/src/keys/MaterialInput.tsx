// Base64 of key material. It is in this form's memory only, and is said to be wrong before it travels.
import { useT } from "../i18n";
import { SecretField } from "../components/fields";
import { materialFault } from "./rules";

export const isMaterial = (text: string, root: boolean) => materialFault(text, root).fault === "none";

export function MaterialInput({ root, value, onChange }: { root: boolean; value: string; onChange: (value: string) => void }) {
  const t = useT();
  const { fault, bytes } = materialFault(value, root);
  const words = {
    none: "",
    notBase64: t("keyForm.materialNotBase64"),
    length: t("keyForm.materialLength", { bytes }),
    long: t("keyForm.materialLong", { bytes }),
  };
  return (
    <SecretField
      id="key-material"
      autoComplete="off"
      spellCheck={false}
      labelText={t("keyForm.material")}
      helperText={t(root ? "keyForm.materialRootHelp" : "keyForm.materialStandardHelp")}
      value={value}
      invalid={value !== "" && fault !== "none"}
      invalidText={words[fault]}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

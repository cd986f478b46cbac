// Carbon's text fields, with what every use of them here needs: the error is read out with the field (Carbon's
// aria-errormessage alone is not, by most screen readers), nothing is filled in or corrected by the browser.
import { PasswordInput, TextArea, TextInput } from "@carbon/react";
import { useEffect, type ComponentProps } from "react";
import { useT } from "../i18n";

function useErrorDescribes(id: string) {
  useEffect(() => {
    const field = document.getElementById(id);
    if (!field) return;
    const described = field.getAttribute("aria-errormessage") ?? (document.getElementById(`${id}-helper-text`) ? `${id}-helper-text` : null);
    if (described) field.setAttribute("aria-describedby", described);
    else field.removeAttribute("aria-describedby");
  });
}

export function TextField(props: ComponentProps<typeof TextInput>) {
  useErrorDescribes(props.id);
  return <TextInput autoComplete="off" {...props} />;
}

export function TextAreaField(props: ComponentProps<typeof TextArea>) {
  useErrorDescribes(props.id ?? "");
  return <TextArea {...props} />;
}

// For what should not be read over a shoulder: API keys, key material, passwords of key files.
export function SecretField(props: ComponentProps<typeof PasswordInput>) {
  const t = useT();
  useErrorDescribes(props.id);
  return <PasswordInput autoComplete="off" spellCheck={false} showPasswordLabel={t("secret.show")} hidePasswordLabel={t("secret.hide")} {...props} />;
}

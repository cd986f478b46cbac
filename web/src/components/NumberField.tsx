// Carbon's field for numbers, with the names of its two buttons in the page's language. It is not in fields.tsx: that is in
// the first load, and this one need not be.
import { NumberInput } from "@carbon/react";
import type { ComponentProps } from "react";
import { useT } from "../i18n";

export function NumberField(props: ComponentProps<typeof NumberInput>) {
  const t = useT();
  return <NumberInput translateWithId={(id) => t(id === "increment.number" ? "number.more" : "number.less")} {...props} />;
}

// What a role lacks: buttons that are not offered, and the words that say which role is needed.
import { Button } from "@carbon/react";
import type { ComponentProps, ReactNode } from "react";
import type { Action } from "../api/permissions";
import { useI18n, useT } from "../i18n";
import type { May, Where } from "../shell/may";
import { useMay } from "../shell/permissions";
import { EmptyState } from "./EmptyState";

// "anywhere": some ring is enough, which the dialog then asks for; "everywhere": on the account. Absent: on the whole
// instance, or on a page without one on the account.
type Place = Where | "anywhere" | "everywhere";

const isAllowed = (may: May, needs: Action, where?: Place) => (where === "anywhere" ? may.anywhere(needs) : where === "everywhere" ? may.everywhere(needs) : may(needs, where));

// "Writer or Manager", as the server names them.
export function useRoles(action: Action): string {
  const { language } = useI18n();
  const roles = useMay().roles(action);
  return new Intl.ListFormat(language, { type: "disjunction" }).format(roles);
}

// "Needs the role Writer or Manager"
export function NeedsRole({ action }: { action: Action }) {
  const t = useT();
  return <span className="kh-needs-role">{t("may.needs", { roles: useRoles(action) })}</span>;
}

// Its children where the caller may do the action, else the role that is needed.
export function WithRole({ action, where, children }: { action: Action; where?: Place; children: ReactNode }) {
  return isAllowed(useMay(), action, where) ? <>{children}</> : <p><NeedsRole action={action} /></p>;
}

type ButtonProps = Omit<ComponentProps<typeof Button>, "action"> & {
  needs: Action;
  where?: Place;
  // There, but disabled and with its reason, for what people would look for in vain.
  keep?: boolean;
};

// A button that is offered to those who may.
export function MayButton({ needs, where, keep = false, ...button }: ButtonProps) {
  const may = useMay();
  if (isAllowed(may, needs, where)) return <Button {...button} />;
  if (!keep) return null;
  return (
    <span className="kh-needs">
      <Button {...button} disabled />
      <NeedsRole action={needs} />
    </span>
  );
}

// Instead of a page that the caller may not see.
export function PageNeedsRole({ title, action, onRetry }: { title: string; action: Action; onRetry: () => void }) {
  const t = useT();
  return (
    <div className="kh-page">
      <header className="kh-page-head">
        <div className="kh-page-title">
          <h1>{title}</h1>
        </div>
      </header>
      <EmptyState title={t("may.page", { roles: useRoles(action) })} text={t("may.pageMore")}>
        <Button kind="tertiary" onClick={onRetry}>
          {t("may.retry")}
        </Button>
      </EmptyState>
    </div>
  );
}

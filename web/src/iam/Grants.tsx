// Access policies of an identity: roles, and on what.
import { useMemo, useState } from "react";
import { deleteAccessPolicy, scopeOf, type AccessPolicy, type AccessScope } from "../api/iam";
import { Confirm } from "../components/Confirm";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { Add, TrashCan } from "../components/icons";
import { InlineNotice, useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Section } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { useT, type Translate } from "../i18n";
import { RouteLink } from "../shell/router";
import { useSession } from "../shell/session";
import type { PartProps } from "./ApiKeys";
import { GrantDialog } from "./GrantDialog";
import { levelOf, makesAdministrator } from "./rules";

const rolesOf = (policy: AccessPolicy) => policy.roles.map(({ display_name }) => display_name);

// "Key ring finance in payroll"
export function scopeText(scope: AccessScope, instances: Map<string, string>, t: Translate): string {
  const instance = scope.instance ? (instances.get(scope.instance) ?? scope.instance) : t("iam.anyInstance");
  return t(`iam.scope.${levelOf(scope)}`, { instance, ring: scope.ring ?? "", key: scope.key ?? "" });
}

export function Grants({ identity, details, reload }: PartProps) {
  const t = useT();
  const notify = useNotify();
  const { session } = useSession();
  const [granting, setGranting] = useState(false);
  const [taking, setTaking] = useState<AccessPolicy | null>(null);
  const rows = useLocalRows(details.policies);
  const { instances } = details;
  const columns = useMemo<Column<AccessPolicy>[]>(
    () => [
      { key: "roles", header: t("iam.roles"), width: 300, cell: (row) => rolesOf(row).join(", ") },
      { key: "scope", header: t("iam.on"), width: 420, cell: (row) => <Scope scope={scopeOf(row)} instances={instances} /> },
    ],
    [t, instances],
  );
  const isMe = identity.iam_id === session.id;
  return (
    <Section
      title={t("iam.grants")}
      actions={
        <MayButton needs="iam-policy.create" kind="tertiary" size="sm" renderIcon={Add} onClick={() => setGranting(true)}>
          {t("iam.grant")}
        </MayButton>
      }
    >
      <p>{t("iam.grantsMore")}</p>
      <DataTable
        name="grants"
        label={t("iam.grants")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        menu={(row) => <MayButton needs="iam-policy.delete" kind="ghost" size="sm" hasIconOnly renderIcon={TrashCan} iconDescription={t("iam.takeNamed", { roles: rolesOf(row).join(", ") })} tooltipPosition="left" onClick={() => setTaking(row)} />}
        empty={<EmptyState title={t("iam.noGrants")} text={t("iam.noGrantsMore")} />}
      />
      {granting && (
        <GrantDialog
          identity={identity}
          onClose={() => setGranting(false)}
          onDone={() => {
            setGranting(false);
            notify(t("iam.granted", { name: identity.name }));
            reload();
          }}
        />
      )}
      {taking && (
        <Confirm
          title={t("iam.take")}
          confirmLabel={t("iam.take")}
          danger
          typeName={identity.name}
          work={() => deleteAccessPolicy(taking.id)}
          onClose={() => setTaking(null)}
          onDone={() => {
            notify(t("iam.taken", { name: identity.name }));
            setTaking(null);
            reload();
          }}
        >
          <p>{t("iam.takeMore", { roles: rolesOf(taking).join(", "), scope: scopeText(scopeOf(taking), instances, t) })}</p>
          {isMe && makesAdministrator(rolesOf(taking), scopeOf(taking)) && <InlineNotice kind="warning" role="status" title={t("iam.takeMe")} />}
        </Confirm>
      )}
    </Section>
  );
}

function Scope({ scope, instances }: { scope: AccessScope; instances: Map<string, string> }) {
  const t = useT();
  const text = scopeText(scope, instances, t);
  if (!scope.instance || !instances.has(scope.instance)) return <bdi>{text}</bdi>;
  const below = scope.key ? `/keys/${scope.key}` : scope.ring ? `/keys?ring=${encodeURIComponent(scope.ring)}` : "";
  return (
    <RouteLink to={`/instances/${scope.instance}${below}`} dir="auto" title={text}>
      {text}
    </RouteLink>
  );
}

// Grants roles: which, on what, and in words what that allows before it is done.
import { Checkbox, Select, SelectItem } from "@carbon/react";
import { useState } from "react";
import { createAccessPolicy, type AccessScope, type Identity, type RoleName } from "../api/iam";
import { listInstances } from "../api/instances";
import { listRings } from "../api/keys";
import { Dialog } from "../components/Dialog";
import { ErrorNotice } from "../components/ErrorNotice";
import { TextField } from "../components/fields";
import { useAction, useLoad } from "../components/load";
import { InlineNotice } from "../components/notices";
import { useT } from "../i18n";
import { isKeyId, makesAdministrator, PLATFORM_ROLES, SERVICE_ROLES, type ScopeLevel } from "./rules";

const LEVELS: ScopeLevel[] = ["account", "instance", "ring", "key"];

interface GrantDialogProps {
  identity: Identity;
  onClose: () => void;
  onDone: () => void;
}

export function GrantDialog({ identity, onClose, onDone }: GrantDialogProps) {
  const t = useT();
  const [roles, setRoles] = useState<RoleName[]>([]);
  const [level, setLevel] = useState<ScopeLevel>("instance");
  const [chosen, setChosen] = useState<AccessScope>({});
  const [accepted, setAccepted] = useState(false);
  const scope = trimmed(chosen, level);
  const action = useAction(() => createAccessPolicy(identity.iam_id, roles, scope), onDone);
  const isWhole =
    level === "account" ||
    Boolean(scope.instance && (level === "instance" || (level === "ring" && scope.ring) || (level === "key" && isKeyId(scope.key ?? ""))));
  const isAdministrator = makesAdministrator(roles, scope);
  const choose = (role: RoleName, checked: boolean) => setRoles(checked ? [...roles, role] : roles.filter((other) => other !== role));
  return (
    <Dialog
      title={t("iam.grant")}
      submitLabel={t("iam.grant")}
      size="md"
      busy={action.busy}
      error={action.error}
      canSubmit={roles.length > 0 && isWhole && (!isAdministrator || accepted)}
      onSubmit={action.run}
      onClose={onClose}
    >
      <p>
        {t("iam.grantTo")} <bdi>{identity.name}</bdi>
      </p>
      <ScopeFields level={level} setLevel={setLevel} scope={chosen} setScope={setChosen} />
      <RoleBoxes legend={t("iam.serviceRoles")} names={SERVICE_ROLES} roles={roles} choose={choose} />
      <RoleBoxes legend={t("iam.platformRoles")} names={PLATFORM_ROLES} roles={roles} choose={choose} />
      {isAdministrator && (
        <>
          <InlineNotice kind="warning" role="status" title={t("iam.administratorTitle")} subtitle={t("iam.administratorMore")} />
          <Checkbox id="accept-administrator" labelText={t("iam.acceptAdministrator")} checked={accepted} onChange={(_, { checked }) => setAccepted(checked)} />
        </>
      )}
    </Dialog>
  );
}

// What was chosen for another level does not count.
function trimmed(scope: AccessScope, level: ScopeLevel): AccessScope {
  if (level === "account") return {};
  return { instance: scope.instance, ring: level === "ring" ? scope.ring : undefined, key: level === "key" ? scope.key : undefined };
}

interface RoleBoxesProps {
  legend: string;
  names: RoleName[];
  roles: RoleName[];
  choose: (role: RoleName, checked: boolean) => void;
}

function RoleBoxes({ legend, names, roles, choose }: RoleBoxesProps) {
  const t = useT();
  return (
    <fieldset>
      <legend className="cds--label">{legend}</legend>
      {names.map((name) => (
        <Checkbox key={name} id={`role-${name.replace(/ /g, "-")}`} labelText={name} helperText={t(`role.${name}`)} checked={roles.includes(name)} onChange={(_, { checked }) => choose(name, checked)} />
      ))}
    </fieldset>
  );
}

interface ScopeFieldsProps {
  level: ScopeLevel;
  setLevel: (level: ScopeLevel) => void;
  scope: AccessScope;
  setScope: (scope: AccessScope) => void;
}

function ScopeFields({ level, setLevel, scope, setScope }: ScopeFieldsProps) {
  const t = useT();
  const instances = useLoad("grant-instances", (signal) => listInstances(signal));
  const rings = useLoad(level === "ring" && scope.instance ? `grant-rings:${scope.instance}` : null, (signal) => listRings(scope.instance ?? "", signal));
  return (
    <>
      <Select id="grant-level" labelText={t("iam.on")} data-modal-primary-focus value={level} onChange={(event) => setLevel(event.target.value as ScopeLevel)}>
        {LEVELS.map((name) => (
          <SelectItem key={name} value={name} text={t(`iam.level.${name}`)} />
        ))}
      </Select>
      {level !== "account" && (
        <Select id="grant-instance" labelText={t("nav.instance")} value={scope.instance ?? ""} onChange={(event) => setScope({ ...scope, instance: event.target.value || undefined, ring: undefined })}>
          <SelectItem value="" text={t("iam.choose")} />
          {instances.data?.map(({ guid, name }) => <SelectItem key={guid} value={guid} text={name} />)}
        </Select>
      )}
      <ErrorNotice error={instances.error} onRetry={instances.reload} />
      {level === "ring" && scope.instance && (
        <>
          {/* Who may manage access need not be allowed to list rings: then the id is typed. */}
          {rings.error ? (
            <TextField id="grant-ring-id" spellCheck={false} labelText={t("rings.id")} value={scope.ring ?? ""} onChange={(event) => setScope({ ...scope, ring: event.target.value.trim() || undefined })} />
          ) : (
            <Select id="grant-ring" labelText={t("rings.id")} value={scope.ring ?? ""} onChange={(event) => setScope({ ...scope, ring: event.target.value || undefined })}>
              <SelectItem value="" text={t("iam.choose")} />
              {rings.data?.map(({ id }) => <SelectItem key={id} value={id} text={id} />)}
            </Select>
          )}
        </>
      )}
      {level === "key" && scope.instance && (
        <TextField
          id="grant-key"
          spellCheck={false}
          labelText={t("iam.keyId")}
          helperText={t("iam.keyIdHelp")}
          value={scope.key ?? ""}
          invalid={Boolean(scope.key) && !isKeyId(scope.key ?? "")}
          invalidText={t("iam.keyIdWrong")}
          onChange={(event) => setScope({ ...scope, key: event.target.value.trim().toLowerCase() || undefined })}
        />
      )}
    </>
  );
}

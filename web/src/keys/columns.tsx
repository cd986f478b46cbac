// The columns of the key table. The name is text wherever it stands: markup or right-to-left text in it stays inside.
import type { Key } from "../api/keys";
import { CopyableText } from "../components/CopyButton";
import type { Column } from "../components/DataTable";
import { Time } from "../components/Time";
import type { Translate } from "../i18n";
import { RouteLink } from "../shell/router";
import { KeyStateTag } from "./KeyStateTag";
import { isRoot, isSetForDeletion } from "./rules";

export const keyPath = (instance: string, id: string) => `/instances/${encodeURIComponent(instance)}/keys/${encodeURIComponent(id)}`;

export const keyColumns = (t: Translate, instance: string): Column<Key>[] => [
  { key: "name", header: t("common.name"), width: 230, cell: (row) => <RouteLink to={keyPath(instance, row.id)} title={row.name} dir="auto">{row.name}</RouteLink> },
  { key: "state", header: t("common.state"), width: 145, sort: "state", stacked: true, cell: (row) => <KeyStateTag item={row} /> },
  { key: "type", header: t("keys.type"), width: 125, sort: "extractable", cell: (row) => t(isRoot(row) ? "keys.root" : "keys.standard") },
  { key: "alias", header: t("keys.alias"), width: 150, cell: (row) => <Aliases aliases={row.aliases ?? []} /> },
  { key: "ring", header: t("keys.ring"), width: 130, cell: (row) => row.keyRingID },
  { key: "origin", header: t("keys.origin"), width: 120, sort: "imported", cell: (row) => t(row.imported ? "keys.imported" : "keys.generated") },
  { key: "updated", header: t("common.updated"), width: 200, sort: "lastUpdateDate", hidden: true, cell: (row) => <Time value={row.lastUpdateDate} /> },
  { key: "rotated", header: t("keys.rotated"), width: 200, sort: "lastRotateDate", hidden: true, cell: (row) => <Time value={row.lastRotateDate} /> },
  { key: "created", header: t("common.created"), width: 200, sort: "creationDate", cell: (row) => <Time value={row.creationDate} /> },
  { key: "id", header: t("common.id"), width: 380, sort: "id", cell: (row) => <CopyableText value={row.id} what={t("copy.of", { what: t("common.id"), name: row.name })} /> },
  { key: "expires", header: t("keys.expires"), width: 200, sort: "expirationDate", hidden: true, cell: (row) => <Time value={row.expirationDate} /> },
  { key: "dual", header: t("keys.dualAuth"), width: 180, hidden: true, cell: (row) => t(row.dualAuthDelete.enabled ? "common.yes" : "common.no") },
  { key: "set", header: t("keys.setForDeletion"), width: 170, hidden: true, cell: (row) => t(isSetForDeletion(row) ? "common.yes" : "common.no") },
  { key: "deletionExpires", header: t("keys.deletionExpires"), width: 240, hidden: true, cell: (row) => <Time value={row.dualAuthDelete.authExpiration} /> },
];

function Aliases({ aliases }: { aliases: string[] }) {
  if (aliases.length === 0) return <span className="kh-muted">–</span>;
  return (
    <span title={aliases.join(", ")}>
      {aliases[0]}
      {aliases.length > 1 && <span className="kh-muted"> +{aliases.length - 1}</span>}
    </span>
  );
}

// Every page: its URL below /console, its name, where it stands in the side navigation, the areas of its texts, and its
// code; both are loaded when it is first opened. A page that needs an instance has ":instance" in its path and uses
// useInstance().
//
// To add a page: its folder, its texts (i18n/en/<area>.ts and ko/<area>.ts, named in i18n/areas.ts), one entry here, one test.
import { lazy, type ComponentType, type LazyExoticComponent } from "react";
import { ChartLine, DataBase, Folder, Information, Application, Password, Policy, UserAccess, Report, Migrate, SendAlt, Chip, Collaborate } from "../components/icons";
import type { Action } from "../api/permissions";
import type { Area, TextKey } from "../i18n";

export interface Route {
  path: string;
  title: TextKey;
  texts: readonly Area[];
  page: LazyExoticComponent<ComponentType>;
  // Begins to load the code, so that it comes beside the texts and not after them.
  preload: () => void;
  // What one must be allowed in order to see it: on the whole instance, or without ":instance" on the account.
  needs?: Action;
  // A right on some ring or key of the instance is enough: the page shows what is in it.
  inPart?: boolean;
  // Opens for the others, too, and says itself what they lack.
  opens?: boolean;
  // In the side navigation; "instance" entries need a chosen instance.
  nav?: { label: TextKey; icon: ComponentType; group: "account" | "instance" };
}

function page(texts: readonly Area[], load: () => Promise<{ default: ComponentType }>): Pick<Route, "texts" | "page" | "preload"> {
  return { texts, page: lazy(load), preload: () => void load().catch(() => undefined) };
}

export const ROUTES: Route[] = [
  {
    path: "/instances",
    title: "instances.title",
    ...page(["instances"], () => import("../instances/InstancesPage")),
    nav: { label: "nav.instances", icon: Application, group: "account" },
  },
  { path: "/instances/:instance", needs: "instances.read", title: "instances.details", ...page(["instances"], () => import("../instances/InstancePage")) },
  {
    path: "/instances/:instance/keys",
    needs: "secrets.list",
    inPart: true,
    title: "keys.title",
    ...page(["keys", "instances"], () => import("../keys/KeysPage")),
    nav: { label: "nav.keys", icon: Password, group: "instance" },
  },
  { path: "/instances/:instance/keys/:key", needs: "secrets-metadata.read", inPart: true, title: "details.title", ...page(["keys", "instances"], () => import("../keys/KeyPage")) },
  {
    path: "/instances/:instance/key-rings",
    needs: "key-rings.list",
    title: "rings.title",
    ...page(["key-rings"], () => import("../key-rings/KeyRingsPage")),
    nav: { label: "nav.keyRings", icon: Folder, group: "instance" },
  },
  {
    path: "/instances/:instance/resources",
    needs: "registrations.list",
    inPart: true,
    title: "details.resources",
    ...page(["keys"], () => import("../resources/ResourcesPage")),
    nav: { label: "details.resources", icon: DataBase, group: "instance" },
  },
  {
    path: "/instances/:instance/crypto-units",
    needs: "tke-cryptounit.list",
    title: "units.title",
    ...page(["units", "ceremony", "commands", "instances"], () => import("../crypto-units/CryptoUnitsPage")),
    nav: { label: "nav.cryptoUnits", icon: Chip, group: "instance" },
  },
  {
    path: "/instances/:instance/ceremony",
    needs: "tke-cryptounit.list",
    title: "ceremony.title",
    ...page(["ceremony", "units", "commands"], () => import("../ceremony/CeremonyPage")),
    nav: { label: "nav.ceremony", icon: Collaborate, group: "instance" },
  },
  {
    path: "/instances/:instance/policies",
    needs: "instance-policies.read",
    title: "policies.title",
    ...page(["policies", "instances"], () => import("../policies/PoliciesPage")),
    nav: { label: "nav.policies", icon: Policy, group: "instance" },
  },
  {
    path: "/instances/:instance/transfers",
    needs: "transfer.read",
    title: "transfers.title",
    ...page(["transfers"], () => import("../transfers/TransfersPage")),
    nav: { label: "transfers.title", icon: SendAlt, group: "instance" },
  },
  {
    path: "/migration",
    title: "migration.title",
    ...page(["migration", "instances", "audit", "keys"], () => import("../migration/MigrationPage")),
    nav: { label: "nav.migration", icon: Migrate, group: "account" },
  },
  {
    path: "/access",
    needs: "iam-identity.list",
    title: "nav.iam",
    ...page(["iam"], () => import("../iam/IamPage")),
    nav: { label: "nav.iam", icon: UserAccess, group: "account" },
  },
  { path: "/access/:identity", needs: "iam-identity.list", title: "iam.identity", ...page(["iam", "key-rings"], () => import("../iam/IdentityPage")) },
  {
    path: "/audit",
    needs: "audit-log.read",
    opens: true,
    title: "nav.audit",
    ...page(["audit", "keys"], () => import("../audit/AuditPage")),
    nav: { label: "nav.audit", icon: Report, group: "account" },
  },
  {
    path: "/metrics",
    needs: "metrics.read",
    title: "nav.metrics",
    ...page(["metrics", "instances"], () => import("../metrics/MetricsPage")),
    nav: { label: "nav.metrics", icon: ChartLine, group: "account" },
  },
  {
    path: "/about",
    title: "about.title",
    ...page(["about", "metrics"], () => import("../about/AboutPage")),
    nav: { label: "nav.about", icon: Information, group: "account" },
  },
];

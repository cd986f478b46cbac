// Texts that come with the pages which need them. Each language of each area is a file of its own in the build, so nobody
// loads texts of a page or language that is not shown. A page names its areas in shell/routes.ts; tools/check-texts.mjs
// finds a page that uses a text of an area it does not name.
import type { base } from "./en";

export const AREAS = {
  about: { en: () => import("./en/about").then((file) => file.about), ko: () => import("./ko/about").then((file) => file.about) },
  audit: { en: () => import("./en/audit").then((file) => file.audit), ko: () => import("./ko/audit").then((file) => file.audit) },
  ceremony: { en: () => import("./en/ceremony").then((file) => file.ceremony), ko: () => import("./ko/ceremony").then((file) => file.ceremony) },
  commands: { en: () => import("./en/commands").then((file) => file.commands), ko: () => import("./ko/commands").then((file) => file.commands) },
  iam: { en: () => import("./en/iam").then((file) => file.iam), ko: () => import("./ko/iam").then((file) => file.iam) },
  instances: { en: () => import("./en/instances").then((file) => file.instances), ko: () => import("./ko/instances").then((file) => file.instances) },
  "key-rings": { en: () => import("./en/key-rings").then((file) => file.keyRings), ko: () => import("./ko/key-rings").then((file) => file.keyRings) },
  keys: { en: () => import("./en/keys").then((file) => file.keys), ko: () => import("./ko/keys").then((file) => file.keys) },
  metrics: { en: () => import("./en/metrics").then((file) => file.metrics), ko: () => import("./ko/metrics").then((file) => file.metrics) },
  migration: { en: () => import("./en/migration").then((file) => file.migration), ko: () => import("./ko/migration").then((file) => file.migration) },
  policies: { en: () => import("./en/policies").then((file) => file.policies), ko: () => import("./ko/policies").then((file) => file.policies) },
  reasons: { en: () => import("./en/reasons").then((file) => file.reasons), ko: () => import("./ko/reasons").then((file) => file.reasons) },
  transfers: { en: () => import("./en/transfers").then((file) => file.transfers), ko: () => import("./ko/transfers").then((file) => file.transfers) },
  units: { en: () => import("./en/units").then((file) => file.units), ko: () => import("./ko/units").then((file) => file.units) },
};

export type Area = keyof typeof AREAS;
type TextsOf<Name extends Area> = Awaited<ReturnType<(typeof AREAS)[Name]["en"]>>;

// Every text there is, of whatever area. English is the source of the keys: a file in ko/ has the type of the one in en/.
export type TextKey = keyof typeof base | { [Name in Area]: keyof TextsOf<Name> }[Area];

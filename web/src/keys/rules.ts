// What may be done with a key, from what the key says of itself. The server decides; this only keeps menus short.
import type { Key, KeyState } from "../api/keys";
import type { Action } from "../api/permissions";
import type { May } from "../shell/may";

export type KeyActionName =
  | "details" | "aliases" | "rotationPolicy" | "rotate" | "disable" | "enable" | "move" | "resources" | "sync" | "schedule" | "unschedule" | "delete" | "restore" | "purge";

const ACTIVE: KeyState = 1;
const SUSPENDED: KeyState = 2;
const DEACTIVATED: KeyState = 3;
const DESTROYED: KeyState = 5;

export const isRoot = (key: Key) => !key.extractable;
export const needsTwo = (key: Key) => key.dualAuthDelete.enabled;
export const isSetForDeletion = (key: Key) => key.dualAuthDelete.keySetForDeletion === true;

// The rows of key-management-api.md 7, by state; in the order of the menu.
export function actionsOf(key: Key): KeyActionName[] {
  const { state } = key;
  const lives = state !== DESTROYED;
  const actions: [KeyActionName, boolean][] = [
    ["details", true],
    ["aliases", lives],
    ["rotationPolicy", lives && isRoot(key) && !key.imported],
    ["rotate", isRoot(key) && (state === ACTIVE || state === DEACTIVATED)],
    ["disable", isRoot(key) && state === ACTIVE],
    ["enable", isRoot(key) && state === SUSPENDED],
    ["move", lives],
    ["resources", isRoot(key)],
    ["sync", isRoot(key)],
    ["schedule", needsTwo(key) && !isSetForDeletion(key) && state === ACTIVE],
    ["unschedule", needsTwo(key) && isSetForDeletion(key) && state === ACTIVE],
    // With two people needed, deleting is the second authorization.
    ["delete", lives && (!needsTwo(key) || isSetForDeletion(key))],
    ["restore", state === DESTROYED && key.restoreAllowed !== false],
    ["purge", state === DESTROYED],
  ];
  return actions.filter(([, applies]) => applies).map(([name]) => name);
}

// The rights of which one is needed; details need none but that to the page.
const RIGHTS: Record<KeyActionName, readonly Action[]> = {
  details: [],
  aliases: ["secrets-alias.create", "secrets-alias.delete"],
  rotationPolicy: ["policies.read"],
  rotate: ["secrets.rotate"],
  disable: ["secrets.disable"],
  enable: ["secrets.enable"],
  move: ["secrets.patch"],
  resources: ["registrations.list"],
  sync: ["secrets.sync"],
  schedule: ["secrets.setkeyfordeletion"],
  unschedule: ["secrets.unsetkeyfordeletion"],
  delete: ["secrets.delete"],
  restore: ["secrets.restore"],
  purge: ["secrets.purge"],
};

export const placeOf = (key: Key) => ({ ring: key.keyRingID, key: key.id });

// Of these, what the caller's roles allow on this key.
export const offered = (key: Key, may: May): KeyActionName[] => actionsOf(key).filter((name) => RIGHTS[name].length === 0 || RIGHTS[name].some((right) => may(right, placeOf(key))));

const NAME_MAX = 90;
const DESCRIPTION_MAX = 240;
const ALIASES_MAX = 5;
const ROOT_KEY_BYTES = [16, 24, 32];
const STANDARD_KEY_MAX_BYTES = 7500;
const ALIAS = /^[A-Za-z0-9_-]{2,90}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const API_WORDS = ["allowed_ip", "key", "keys", "metadata", "policies", "policy", "registration", "registrations", "rewrap", "ring", "rings", "rotate", "unwrap", "version", "versions", "wrap"];

// Characters as the server counts them: code points.
const length = (text: string) => [...text].length;

export const isName = (name: string) => length(name) >= 2 && length(name) <= NAME_MAX;
export const isDescription = (text: string) => text === "" || (length(text) >= 2 && length(text) <= DESCRIPTION_MAX);
export const isAlias = (alias: string) => ALIAS.test(alias) && !UUID.test(alias) && !API_WORDS.includes(alias);

export const splitAliases = (text: string) => text.split(",").map((alias) => alias.trim()).filter((alias) => alias !== "");
export const tooManyAliases = (aliases: string[]) => aliases.length > ALIASES_MAX;
export { ALIASES_MAX };

export type MaterialFault = "none" | "notBase64" | "length" | "long";

// Looks at the length of material only; the bytes are not kept.
export function materialFault(base64: string, root: boolean): { fault: MaterialFault; bytes: number } {
  const text = base64.trim();
  if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) || text === "") return { fault: "notBase64", bytes: 0 };
  const bytes = (text.length / 4) * 3 - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0);
  if (root && !ROOT_KEY_BYTES.includes(bytes)) return { fault: "length", bytes };
  if (!root && bytes > STANDARD_KEY_MAX_BYTES) return { fault: "long", bytes };
  return { fault: "none", bytes };
}

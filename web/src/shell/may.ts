// What the caller may do, asked of the server's answer. The server decides at every call; this only keeps what would be
// refused out of the page. Without an answer (not there yet, or the call failed) everything is offered.
import type { Action, Permissions } from "../api/permissions";

// A place in the instance; none: the whole instance, or the account where there is no instance.
export interface Where {
  ring?: string;
  key?: string;
}

export interface May {
  (action: Action, where?: Where): boolean;
  // On the whole instance, or on some ring or key of it.
  anywhere: (action: Action) => boolean;
  // On everything: all instances, identities, the audit log.
  everywhere: (action: Action) => boolean;
  // The rings in which the caller may, when that is not the whole instance; else null.
  rings: (action: Action) => string[] | null;
  // The roles of which one is needed; none when the server has not told.
  roles: (action: Action) => string[];
}

type Place = NonNullable<Permissions["instance"]>["parts"][number]["places"][number];

// As iam/caller.cc: what a place leaves out covers everything.
const covers = (place: Place, { ring, key }: Where) => (place.key_ring === undefined || place.key_ring === ring) && (place.key === undefined || place.key === key);

export function mayOf(permissions: Permissions | undefined): May {
  if (!permissions) return Object.assign(() => true, { anywhere: () => true, everywhere: () => true, rings: () => null, roles: () => [] });
  const { account, instance, requirements } = permissions;
  const whole = instance ? instance.actions : account;
  const placesOf = (action: Action) => (instance?.parts ?? []).filter(({ actions }) => actions.includes(action)).flatMap(({ places }) => places);
  const may = (action: Action, where?: Where) => whole.includes(action) || (where !== undefined && placesOf(action).some((place) => covers(place, where)));
  return Object.assign(may, {
    anywhere: (action: Action) => may(action) || placesOf(action).length > 0,
    everywhere: (action: Action) => account.includes(action),
    rings: (action: Action) => (may(action) ? null : placesOf(action).flatMap(({ key, key_ring }) => (key_ring !== undefined && key === undefined ? [key_ring] : []))),
    roles: (action: Action) => requirements.find(({ actions }) => actions.includes(action))?.roles ?? [],
  });
}

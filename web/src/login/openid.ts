// Logging in at an OpenID provider. The browser goes there and comes back by the server, which sets the session's cookie or
// says in the fragment of the address what was wrong; no script sees a token of anybody.

export const TROUBLES = ["begin", "address", "state", "cancelled", "refused", "unreachable", "busy", "unlinked"] as const;

export interface Trouble {
  word: (typeof TROUBLES)[number];
  // Whom the provider calls a person to whom nobody here is linked.
  subject: string;
  correlationId: string;
}

// What the fragment says; undefined when it says nothing of the kind. Anybody can make a link with such a fragment, so it
// chooses among our texts, and the two values are shown as values.
export function troubleOf(hash: string): Trouble | undefined {
  const told = new URLSearchParams(hash.replace(/^#/, ""));
  const word = TROUBLES.find((known) => known === told.get("openid"));
  return word && { word, subject: (told.get("subject") ?? "").slice(0, 255), correlationId: (told.get("id") ?? "").slice(0, 36) };
}

// Where the log-in begins; it comes back to the page that is open.
export const startAddress = () => `/v1/console/oidc/start?return=${encodeURIComponent(location.pathname + location.search)}`;

// Pages of one browser share the session's cookie, so a log-in in one of them is one in all.
const channel = new BroadcastChannel("keyhaven-session");

export const tellOpened = () => channel.postMessage("opened");

export function onOpenedElsewhere(listener: () => void): () => void {
  channel.addEventListener("message", listener);
  return () => channel.removeEventListener("message", listener);
}

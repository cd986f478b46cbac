// A router of a hundred lines: the console has some twenty pages, each with a URL that can be shared.
// Paths here are relative to the base "/console"; the server answers index.html for every one of them.
import { createContext, useCallback, useContext, useMemo, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent, type ReactNode } from "react";
import type { Parameters } from "./paths";

export { fillPath, match, type Parameters } from "./paths";

const BASE = "/console";
const CHANGED = "keyhaven-navigated";

export interface Location {
  path: string;
  search: string;
}

const read = () => window.location.pathname + window.location.search;

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(CHANGED, listener);
  };
}

// `to` is relative to the base: navigate("/instances").
export function navigate(to: string, how: "push" | "replace" = "push"): void {
  window.history[how === "push" ? "pushState" : "replaceState"](null, "", BASE + to);
  window.dispatchEvent(new Event(CHANGED));
}

export function useLocation(): Location {
  const url = useSyncExternalStore(subscribe, read);
  return useMemo(() => {
    const [path = "", search = ""] = url.split("?");
    const below = path.startsWith(BASE) ? path.slice(BASE.length) : path;
    return { path: below.replace(/\/+$/, "") || "/", search };
  }, [url]);
}

const ParametersContext = createContext<Parameters>({});
export const ParametersProvider = ({ value, children }: { value: Parameters; children: ReactNode }) => <ParametersContext value={value}>{children}</ParametersContext>;

// A segment of the current route; the routes table promises that it is there.
export function useParameter(name: string): string {
  const value = useContext(ParametersContext)[name];
  if (value === undefined) throw new Error(`no parameter ${name} in this route`);
  return value;
}

// The query of the URL as state: what a page shows can be sent to a colleague. Setting a value to "" removes it.
export function useQuery(): [URLSearchParams, (changes: Record<string, string>) => void] {
  const { search, path } = useLocation();
  const query = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback(
    (changes: Record<string, string>) => {
      const next = new URLSearchParams(search);
      for (const [name, value] of Object.entries(changes)) {
        if (value) next.set(name, value);
        else next.delete(name);
      }
      const text = next.toString();
      navigate(path + (text ? `?${text}` : ""), "replace");
    },
    [search, path],
  );
  return [query, change];
}

// True when a click asks for this tab and not for a new one.
const isPlain = (event: MouseEvent) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

// For Carbon components that take href and onClick.
export function linkTo(to: string): { href: string; onClick: (event: MouseEvent) => void } {
  return {
    href: BASE + to,
    onClick: (event) => {
      if (!isPlain(event)) return;
      event.preventDefault();
      navigate(to);
    },
  };
}

interface RouteLinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
}

export const RouteLink = ({ to, children, className = "cds--link", ...rest }: RouteLinkProps) => (
  <a className={className} {...rest} {...linkTo(to)}>
    {children}
  </a>
);

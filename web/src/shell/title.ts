// The window's title for pages about one thing: its name says more than the route's.
import { createContext, useContext, useEffect } from "react";

type SetTitle = (title: string | null) => void;
const Context = createContext<SetTitle>(() => undefined);
export const TitleProvider = Context.Provider;

// A name could turn the rest of the title around with these: directions of text, and their ends.
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

// Parts from the near to the far: "ledger", "payroll". Those that are not known yet are left out.
export function useTitle(...parts: (string | undefined)[]): void {
  const set = useContext(Context);
  const title = parts.filter(Boolean).join(" · ").replace(DIRECTIONS, "");
  useEffect(() => {
    set(title || null);
    return () => set(null);
  }, [set, title]);
}

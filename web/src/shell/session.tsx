// Who is logged in and where the page came from: known to every page below.
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { onSessionExpired, session as api, type Session } from "../api/api";
import { readEnvironment, type Environment } from "../api/environment";
import { ErrorNotice } from "../components/ErrorNotice";
import { Loading } from "../components/Progress";
import { useLoad } from "../components/load";
import { Login, LoginAgain } from "../login/Login";
import { onOpenedElsewhere, tellOpened } from "../login/openid";

interface Value {
  session: Session;
  environment: Environment;
  logOut: () => void;
}

const Context = createContext<Value | null>(null);

export function useSession(): Value {
  const value = useContext(Context);
  if (!value) throw new Error("no session above this page");
  return value;
}

// Whether key files, key parts and key material may be handled by this page.
export const useIsLocal = () => useSession().environment.mode === "local";

interface Start {
  environment: Environment;
  session: Session | null;
}

async function start(signal: AbortSignal): Promise<Start> {
  const [environment, session] = await Promise.all([readEnvironment(signal), api.current(signal)]);
  return { environment, session };
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const started = useLoad("start", start);
  const [changed, setChanged] = useState<{ session: Session | null }>();
  const [expired, setExpired] = useState(false);

  useEffect(() => onSessionExpired(() => setExpired(true)), []);

  const environment = started.data?.environment;
  const session = changed ? changed.session : started.data?.session;
  const needed = expired || session === null;

  // Another tab of this browser has logged in: so has this one.
  useEffect(() => {
    if (session) tellOpened();
  }, [session]);
  useEffect(() => {
    if (!needed) return undefined;
    return onOpenedElsewhere(() => {
      void api.current().then((found) => {
        if (!found) return;
        setExpired(false);
        setChanged({ session: found });
      }, () => undefined);
    });
  }, [needed]);
  const value = useMemo<Value | null>(
    () =>
      environment && session
        ? {
            environment,
            session,
            logOut: () => {
              // Also when the call fails the page forgets what it showed.
              void api.close().catch(() => undefined).finally(() => setChanged({ session: null }));
            },
          }
        : null,
    [environment, session],
  );

  if (started.loading) return <Loading />;
  if (!environment) return <main className="kh-start"><ErrorNotice error={started.error} onRetry={started.reload} /></main>;
  if (!value) return <Login environment={environment} onOpened={(opened) => { setExpired(false); setChanged({ session: opened }); }} />;
  return (
    <Context value={value}>
      {/* A new identity sees nothing of what the one before had on its pages. */}
      <div key={value.session.id} className="kh-root">{children}</div>
      {expired && <LoginAgain environment={environment} onOpened={(opened) => { setExpired(false); setChanged({ session: opened }); }} />}
    </Context>
  );
}

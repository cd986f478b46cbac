// The frame around every page: header, side navigation, account panel, main content.
import { Button, Header, HeaderGlobalAction, HeaderGlobalBar, HeaderMenuButton, HeaderName, HeaderPanel, SideNav, SideNavDivider, SideNavItems, SideNavLink, SkipToContent } from "@carbon/react";
import { Component, Suspense, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { UserAvatar } from "../components/icons";
import { EmptyState } from "../components/EmptyState";
import { PageNeedsRole } from "../components/Needs";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT, WithTexts } from "../i18n";
import { InstanceProvider, useInstanceLoad } from "./instance";
import { PermissionsProvider, useFreshPermissions, usePermissions, type PermissionsValue } from "./permissions";
import { Preferences } from "./Preferences";
import { fillPath, linkTo, match, navigate, ParametersProvider, RouteLink, useLocation, type Parameters } from "./router";
import { ROUTES, type Route } from "./routes";
import { useSession } from "./session";
import { TitleProvider } from "./title";

interface Found {
  route: Route;
  parameters: Parameters;
}

function findRoute(path: string): Found | null {
  for (const route of ROUTES) {
    const parameters = match(route.path, path);
    if (parameters) return { route, parameters };
  }
  return null;
}

export function Shell() {
  const t = useT();
  const { path } = useLocation();
  const found = useMemo(() => findRoute(path), [path]);
  const [menuOpen, setMenuOpen] = useState(false);
  const [accountOpen, setAccountOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);

  // Pages outside of an instance keep the last one in the navigation.
  const [lastInstance, setLastInstance] = useState<string | null>(null);
  const instance = found?.parameters.instance ?? null;
  if (instance !== null && instance !== lastInstance) setLastInstance(instance);
  const permissions = useFreshPermissions(instance ?? lastInstance);
  const loaded = useInstanceLoad(instance ?? lastInstance, permissions);

  useEffect(() => {
    if (path === "/") navigate("/instances", "replace");
  }, [path]);

  const title = t(found?.route.title ?? "app.notFound");
  const [named, setNamed] = useState<string | null>(null);
  useEffect(() => {
    document.title = `${named ?? title} · ${t("app.name")}`;
  }, [named, title, t]);
  useEffect(() => {
    setMenuOpen(false);
    setAccountOpen(false);
    // A screen reader goes on at the new page, not in the link that led there.
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path, title, t]);

  return (
    <>
      <Header aria-label={t("app.name")}>
        <SkipToContent href="#main">{t("app.skip")}</SkipToContent>
        <HeaderMenuButton aria-label={t(menuOpen ? "nav.close" : "nav.open")} isActive={menuOpen} onClick={() => setMenuOpen(!menuOpen)} />
        <HeaderName prefix="" {...linkTo("/instances")}>
          {t("app.name")}
        </HeaderName>
        <HeaderGlobalBar>
          <HeaderGlobalAction aria-label={t("user.menu")} tooltipAlignment="end" isActive={accountOpen} aria-expanded={accountOpen} onClick={() => setAccountOpen(!accountOpen)}>
            <UserAvatar size={20} />
          </HeaderGlobalAction>
        </HeaderGlobalBar>
        {accountOpen && <AccountPanel />}
        <Navigation path={path} instance={instance ?? lastInstance} instanceName={loaded?.instance?.name} permissions={permissions} open={menuOpen} onClose={() => setMenuOpen(false)} />
      </Header>
      <main id="main" tabIndex={-1} ref={main} className="cds--content kh-main">
        <Boundary key={path}>
          <Suspense fallback={<Loading />}>
            {found ? (
              <PermissionsProvider value={permissions}>
                <TitleProvider value={setNamed}>
                  <ParametersProvider value={found.parameters}>
                    {instance !== null && loaded ? (
                      <InstanceProvider value={loaded}>
                        <Trail found={found} name={loaded.instance?.name ?? instance} />
                        <Page route={found.route} />
                      </InstanceProvider>
                    ) : (
                      <Page route={found.route} />
                    )}
                  </ParametersProvider>
                </TitleProvider>
              </PermissionsProvider>
            ) : (
              path !== "/" && <NotFound />
            )}
          </Suspense>
        </Boundary>
      </main>
    </>
  );
}

const maySee = ({ needs, inPart, path }: Route, { may }: PermissionsValue) => needs === undefined || (!path.includes(":instance") ? may.everywhere(needs) : inPart ? may.anywhere(needs) : may(needs));

function Page({ route }: { route: Route }) {
  const t = useT();
  const permissions = usePermissions();
  route.preload();
  // What is offered is known before the page is drawn: nothing appears and goes.
  if (!permissions.settled) return <Loading />;
  if (!route.opens && !maySee(route, permissions)) return <PageNeedsRole title={t(route.title)} action={route.needs!} onRetry={permissions.reload} />;
  return (
    <WithTexts areas={route.texts}>
      <route.page />
    </WithTexts>
  );
}

interface NavigationProps {
  path: string;
  instance: string | null;
  instanceName: string | undefined;
  permissions: PermissionsValue;
  open: boolean;
  onClose: () => void;
}

function Navigation({ path, instance, instanceName, permissions, open, onClose }: NavigationProps) {
  const t = useT();
  // Empty until it is known what is in it.
  const shown = permissions.settled ? ROUTES.filter((route) => maySee(route, permissions)) : [];
  const entries = (group: "account" | "instance") =>
    shown.filter((route) => route.nav?.group === group).map(({ nav, path: pattern }) => {
      const to = fillPath(pattern, { instance: instance ?? "" });
      const isActive = path === to || (group === "instance" && path.startsWith(`${to}/`));
      return (
        <SideNavLink key={pattern} renderIcon={nav!.icon} isActive={isActive} aria-current={isActive ? "page" : undefined} {...linkTo(to)}>
          {t(nav!.label)}
        </SideNavLink>
      );
    });
  return (
    <SideNav aria-label={t("nav.label")} expanded={open} isPersistent onOverlayClick={onClose} addFocusListeners={false} addMouseListeners={false}>
      <SideNavItems>
        {entries("account")}
        <SideNavDivider />
        {instance === null ? (
          <li className="kh-nav-hint">{t("nav.chooseInstance")}</li>
        ) : (
          <>
            <SideNavLink isActive={path === `/instances/${instance}`} {...linkTo(`/instances/${instance}`)} className="kh-nav-instance" title={instanceName}>
              {instanceName ?? instance}
            </SideNavLink>
            {entries("instance")}
          </>
        )}
      </SideNavItems>
    </SideNav>
  );
}

function AccountPanel() {
  const t = useT();
  const { session, environment, logOut } = useSession();
  return (
    <HeaderPanel expanded aria-label={t("user.menu")} className="kh-account">
      <p>
        <strong dir="auto">{t("user.signedInAs", { name: session.name })}</strong>
        <br />
        <span className="kh-muted">
          {session.id}
          <br />
          {t(environment.mode === "local" ? "mode.local" : "mode.server")}
        </span>
      </p>
      <p>
        {t("user.until")}: <Time value={session.expires_at} />
      </p>
      <Preferences />
      {environment.mode === "local" ? (
        <p className="kh-muted">{t("user.localLogin")}</p>
      ) : (
        <Button kind="tertiary" size="sm" onClick={logOut}>
          {t("user.logout")}
        </Button>
      )}
    </HeaderPanel>
  );
}

// Instances / payroll / keys
function Trail({ found, name }: { found: Found; name: string }) {
  const t = useT();
  const instance = found.parameters.instance ?? "";
  const isKey = "key" in found.parameters;
  const isHere = found.route.path === "/instances/:instance";
  return (
    <nav className="kh-trail" aria-label={t("nav.instance")}>
      <RouteLink to="/instances">{t("nav.instances")}</RouteLink>
      {isHere ? (
        <span aria-current="page" dir="auto">
          {name}
        </span>
      ) : (
        <RouteLink to={fillPath("/instances/:instance", { instance })} dir="auto">
          {name}
        </RouteLink>
      )}
      {isKey && <RouteLink to={fillPath("/instances/:instance/keys", { instance })}>{t("nav.keys")}</RouteLink>}
    </nav>
  );
}

function NotFound() {
  const t = useT();
  return (
    <EmptyState title={t("app.notFound")} text={t("app.notFoundMore")}>
      <RouteLink to="/instances">{t("app.toInstances")}</RouteLink>
    </EmptyState>
  );
}

// A defect of one page leaves the others usable.
class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    return this.state.error ? <Broken error={this.state.error} /> : this.props.children;
  }
}

function Broken({ error }: { error: Error }) {
  const t = useT();
  return (
    <EmptyState title={t("app.brokenPage")} text={t("app.brokenPageMore")}>
      <pre>{error.message}</pre>
      <Button onClick={() => window.location.reload()}>{t("app.reload")}</Button>
    </EmptyState>
  );
}

import { Suspense, useEffect } from "react";
import { NoticesProvider } from "../components/notices";
import { I18nProvider } from "../i18n";
import { useTheme } from "./preferences";
import { PermissionsStore } from "./permissions";
import { SessionProvider } from "./session";
import { Shell } from "./Shell";

export function App() {
  const theme = useTheme();
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return (
    <Suspense fallback={null}>
      <I18nProvider>
        <NoticesProvider>
          <SessionProvider>
            <PermissionsStore>
              <Shell />
            </PermissionsStore>
          </SessionProvider>
        </NoticesProvider>
      </I18nProvider>
    </Suspense>
  );
}

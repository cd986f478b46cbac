// Migrations: under `keyhaven console --migration DIR` what the plans, journals and reports of that directory say; from
// the server, what a migration is and the commands. Nothing here starts or changes one.
import { Page } from "../components/Page";
import { useT } from "../i18n";
import { useSession } from "../shell/session";
import { HowTo } from "./HowTo";
import { LocalMigrations } from "./LocalMigrations";

export default function MigrationPage() {
  const t = useT();
  const { environment } = useSession();
  if (environment.mode === "local" && environment.migrations) return <LocalMigrations />;
  return (
    <Page title={t("migration.title")} intro={t("migration.intro")}>
      <HowTo />
    </Page>
  );
}

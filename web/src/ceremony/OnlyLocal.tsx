// A page that the server delivered could be made to betray a key: it says where to sign instead.
import { Command } from "../components/Command";
import { InlineNotice } from "../components/notices";
import { useT } from "../i18n";
import { useSession } from "../shell/session";

export function OnlyLocal({ instance }: { instance: string }) {
  const t = useT();
  const { environment } = useSession();
  return (
    <>
      <InlineNotice kind="info" role="status" title={t("ceremony.onlyLocal")} subtitle={t("ceremony.onlyLocalMore")} />
      <p>{t("ceremony.local.console")}</p>
      <Command text={`keyhaven console --url ${environment.server}`} />
      <p>{t("ceremony.local.init")}</p>
      <Command text={`keyhaven tke init --instance ${instance}`} />
      <p>{t("ceremony.local.proposals")}</p>
      <Command text={`keyhaven tke proposals --instance ${instance}`} />
    </>
  );
}

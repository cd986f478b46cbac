// The way to the OpenID provider on the log-in page, and what went wrong there.
import { Button } from "@carbon/react";
import { useEffect, useState } from "react";
import type { Environment } from "../api/environment";
import { CopyableText } from "../components/CopyButton";
import { InlineNotice } from "../components/notices";
import { useT } from "../i18n";
import { startAddress, troubleOf } from "./openid";

interface OpenIdProps {
  environment: Environment;
  // What is open stays open: the log-in has a tab of its own, and this page goes on when it is done.
  inNewTab?: boolean;
}

export function OpenIdLogin({ environment, inNewTab = false }: OpenIdProps) {
  const t = useT();
  if (!environment.openid) return null;
  return (
    <div className="kh-openid">
      <Button href={startAddress()} target={inNewTab ? "_blank" : undefined} rel={inNewTab ? "noopener" : undefined}>
        {t("login.openid", { title: environment.openid })}
      </Button>
      {inNewTab && <p className="kh-muted">{t("login.openidTab")}</p>}
      <p className="kh-muted">{t("login.openidOr")}</p>
    </div>
  );
}

export function OpenIdTrouble({ environment }: OpenIdProps) {
  const t = useT();
  const [trouble] = useState(() => troubleOf(location.hash));
  useEffect(() => {
    // A reload, or a shared address, does not say it again.
    if (trouble) history.replaceState(history.state, "", location.pathname + location.search);
  }, [trouble]);
  if (!trouble) return null;
  return (
    <div className="kh-openid-trouble">
      <InlineNotice kind={trouble.word === "cancelled" ? "info" : "error"} role="alert" title={t("login.openidFailed")} subtitle={t(`login.openid.${trouble.word}`, { server: environment.server })} />
      {trouble.subject && (
        <p>
          {t("login.openidSubject")} <CopyableText value={trouble.subject} what={t("login.openidSubject")} />
        </p>
      )}
      {trouble.correlationId && (
        <p className="kh-muted">
          {t("error.correlationId")} <CopyableText value={trouble.correlationId} what={t("error.correlationId")} />
        </p>
      )}
    </div>
  );
}

// Logging in at the OpenID provider, where there is one, or with an API key. The key is in this form's memory until it is sent, then gone; the server answers with an
// HttpOnly cookie that no script can read. Under `keyhaven console` the tool holds the login and no key is asked for.
import { Button } from "@carbon/react";
import { useState } from "react";
import { ApiError, session as api, type Session } from "../api/api";
import type { Environment } from "../api/environment";
import { Dialog } from "../components/Dialog";
import { ErrorNotice } from "../components/ErrorNotice";
import { SecretField } from "../components/fields";
import { useAction } from "../components/load";
import { InlineNotice } from "../components/notices";
import { useT } from "../i18n";
import { Preferences } from "../shell/Preferences";
import { OpenIdLogin, OpenIdTrouble } from "./OpenIdLogin";

interface LoginProps {
  environment: Environment;
  onOpened: (session: Session) => void;
}

function useLogin(onOpened: (session: Session) => void) {
  const t = useT();
  const [apiKey, setApiKey] = useState("");
  const action = useAction(api.open, (opened) => {
    setApiKey("");
    onOpened(opened);
  });
  const isWrong = action.error instanceof ApiError && (action.error.status === 401 || action.error.code === "UNKNOWN_API_KEY_ERR");
  const field = (
    <SecretField
      id="api-key"
      data-modal-primary-focus
      autoComplete="off"
      spellCheck={false}
      labelText={t("login.apiKey")}
      helperText={t("login.apiKeyHelp")}
      value={apiKey}
      invalid={isWrong}
      invalidText={t("login.wrong")}
      onChange={(event) => setApiKey(event.target.value.trim())}
    />
  );
  return { field, action, isWrong, canSubmit: apiKey !== "", submit: () => action.run(apiKey) };
}

export function Login({ environment, onOpened }: LoginProps) {
  const t = useT();
  const login = useLogin(onOpened);
  return (
    <main className="kh-login">
      <h1>{t("login.title")}</h1>
      {environment.mode === "local" ? (
        <InlineNotice kind="warning" title={t("login.localGone")} subtitle={t("login.localGoneMore")} />
      ) : (
        <>
          <OpenIdTrouble environment={environment} />
          <OpenIdLogin environment={environment} />
          <form
            className="kh-form"
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              if (login.canSubmit) login.submit();
            }}
          >
            {login.field}
            {!login.isWrong && <ErrorNotice error={login.action.error} />}
            <Button type="submit" kind={environment.openid ? "tertiary" : "primary"} disabled={!login.canSubmit || login.action.busy}>
              {t("login.submit")}
            </Button>
            <p className="kh-muted">{t("login.serverMode")}</p>
          </form>
        </>
      )}
      <Preferences />
    </main>
  );
}

// Over the page, when the session ended while it was open: what was typed there is not lost.
export function LoginAgain({ environment, onOpened }: LoginProps) {
  const t = useT();
  const login = useLogin(onOpened);
  const isLocal = environment.mode === "local";
  return (
    <Dialog
      title={t(isLocal ? "login.localGone" : "login.expired")}
      submitLabel={t("login.submit")}
      busy={login.action.busy}
      canSubmit={login.canSubmit}
      error={login.isWrong ? undefined : login.action.error}
      onSubmit={isLocal ? undefined : login.submit}
      onClose={() => undefined}
    >
      <p>{t(isLocal ? "login.localGoneMore" : "login.expiredMore")}</p>
      {!isLocal && <OpenIdLogin environment={environment} inNewTab />}
      {!isLocal && login.field}
    </Dialog>
  );
}

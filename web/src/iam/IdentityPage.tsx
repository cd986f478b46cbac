// One identity: what it may do, its API keys, and its end.
import { Button, Tag } from "@carbon/react";
import { useState } from "react";
import { deleteIdentity, listAccessPolicies, listApiKeys, listIdentities, type AccessPolicy, type ApiKey, type Identity } from "../api/iam";
import { listInstances } from "../api/instances";
import { Confirm } from "../components/Confirm";
import { CopyableText } from "../components/CopyButton";
import { EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { Renew, TrashCan } from "../components/icons";
import { useLoad } from "../components/load";
import { InlineNotice, useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Fact, Facts, Page } from "../components/Page";
import { Loading } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { navigate, RouteLink, useParameter } from "../shell/router";
import { useSession } from "../shell/session";
import { useTitle } from "../shell/title";
import { ApiKeys } from "./ApiKeys";
import { Grants } from "./Grants";
import { OpenIdLink } from "./OpenIdLink";

export interface IdentityDetails {
  identity: Identity | undefined;
  apiKeys: ApiKey[];
  policies: AccessPolicy[];
  // Names of instances by GUID, as far as the caller sees them.
  instances: Map<string, string>;
}

async function read(id: string, signal: AbortSignal): Promise<IdentityDetails> {
  const [identities, apiKeys, policies, instances] = await Promise.all([listIdentities(signal), listApiKeys(id, signal), listAccessPolicies(id, signal), listInstances(signal)]);
  return {
    identity: identities.find((identity) => identity.iam_id === id),
    apiKeys,
    policies,
    instances: new Map(instances.map(({ guid, name }) => [guid, name])),
  };
}

export default function IdentityPage() {
  const t = useT();
  const notify = useNotify();
  const { session } = useSession();
  const id = useParameter("identity");
  const loaded = useLoad(`identity:${id}`, (signal) => read(id, signal));
  const [deleting, setDeleting] = useState(false);
  useTitle(loaded.data?.identity?.name);
  if (!loaded.data) return loaded.error ? <ErrorNotice error={loaded.error} onRetry={loaded.reload} /> : <Loading />;
  const { identity } = loaded.data;
  if (!identity) {
    return (
      <Page title={t("iam.identity")}>
        <EmptyState title={t("iam.gone")} text={t("iam.goneMore")}>
          <RouteLink to="/access">{t("iam.toAccess")}</RouteLink>
        </EmptyState>
      </Page>
    );
  }
  const isMe = identity.iam_id === session.id;
  return (
    <>
      <nav className="kh-trail" aria-label={t("nav.iam")}>
        <RouteLink to="/access">{t("nav.iam")}</RouteLink>
      </nav>
      <Page
        title={identity.name}
        intro={identity.description && <span dir="auto">{identity.description}</span>}
        actions={
          <>
            <Button kind="ghost" renderIcon={Renew} onClick={loaded.reload}>
              {t("action.refresh")}
            </Button>
            <MayButton needs="iam-identity.delete" kind="danger--tertiary" renderIcon={TrashCan} onClick={() => setDeleting(true)}>
              {t("iam.delete")}
            </MayButton>
          </>
        }
      >
        <ErrorNotice error={loaded.error} onRetry={loaded.reload} />
        {isMe && <InlineNotice kind="info" role="status" title={t("iam.thisIsYou")} subtitle={t("iam.thisIsYouMore")} />}
        <Facts>
          <Fact name={t("common.id")}>
            <CopyableText value={identity.iam_id} what={t("common.id")} />
          </Fact>
          <Fact name={t("iam.type")}>
            {t(`iam.${identity.type}`)}{" "}
            {isMe && (
              <Tag size="sm" type="blue">
                {t("iam.you")}
              </Tag>
            )}
          </Fact>
          <Fact name={t("common.created")}>
            <Time value={identity.created_at} />
          </Fact>
          {identity.type === "user" && (
            <Fact name={t("iam.openid")}>
              <OpenIdLink identity={identity} reload={loaded.reload} />
            </Fact>
          )}
          {identity.service_crn && (
            <Fact name={t("iam.serviceCrn")}>
              <CopyableText value={identity.service_crn} what={t("iam.serviceCrn")} />
            </Fact>
          )}
        </Facts>
        <Grants identity={identity} details={loaded.data} reload={loaded.reload} />
        <ApiKeys identity={identity} details={loaded.data} reload={loaded.reload} />
        {deleting && (
          <Confirm
            title={t("iam.delete")}
            confirmLabel={t("action.delete")}
            danger
            typeName={identity.name}
            work={() => deleteIdentity(identity.iam_id)}
            onClose={() => setDeleting(false)}
            onDone={() => {
              notify(t("iam.deleted", { name: identity.name }));
              navigate("/access");
            }}
          >
            <p>{t("iam.deleteMore", { keys: loaded.data.apiKeys.length, grants: loaded.data.policies.length })}</p>
            {isMe && <p>{t("iam.deleteMe")}</p>}
          </Confirm>
        )}
      </Page>
    </>
  );
}

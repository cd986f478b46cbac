// What a bundle of keys holds, for those who sign the consent to it: as `keyhaven transfer consent` shows it before it asks.
import { Fact, Facts } from "../components/Page";
import { useT } from "../i18n";
import type { ConsentReview } from "../tke/transfer-documents";

export function ConsentWords({ review }: { review: ConsentReview }) {
  const t = useT();
  const { keys, leftOut } = review;
  return (
    <div data-testid="consent">
      <Facts>
        <Fact name={t("consent.source")}>
          <code>{review.source}</code>
        </Fact>
        <Fact name={t("consent.root")}>
          <code>{review.sourceRoot}</code>
        </Fact>
        <Fact name={t("consent.module")}>
          <code>{review.module}</code>
        </Fact>
        <Fact name={t("consent.target")}>
          <code>{review.target}</code>
        </Fact>
        <Fact name={t("consent.manifest")}>
          <code>{review.manifest}</code>
        </Fact>
      </Facts>
      <h3>{t("consent.keys", { count: review.count })}</h3>
      <ul className="kh-list" data-testid="consent-keys">
        {keys.map(({ id, name, kind, versions }) => (
          <li key={id}>
            <bdi>{name}</bdi> <code>{id}</code> {kind}, {t("consent.versions", { count: versions })}
          </li>
        ))}
      </ul>
      {keys.length < review.count && <p>{t("consent.more", { count: review.count - keys.length })}</p>}
      {review.leftOutCount > 0 && (
        <>
          <h3>{t("consent.leftOut", { count: review.leftOutCount })}</h3>
          <ul className="kh-list" data-testid="consent-left-out">
            {leftOut.map(({ id, name, code, reason }) => (
              <li key={id}>
                <bdi>{name}</bdi> <code>{id}</code> <code>{code}</code> <bdi lang="en">{reason}</bdi>
              </li>
            ))}
          </ul>
          {leftOut.length < review.leftOutCount && <p>{t("consent.more", { count: review.leftOutCount - leftOut.length })}</p>}
        </>
      )}
      <p className="kh-muted">{t("consent.said")}</p>
    </div>
  );
}

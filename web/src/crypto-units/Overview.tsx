// Each unit by itself, and all of them side by side.
import { Tag } from "@carbon/react";
import { ApiError, call } from "../api/api";
import { CopyableText } from "../components/CopyButton";
import { EmptyState } from "../components/EmptyState";
import { ErrorNotice } from "../components/ErrorNotice";
import { useLoad } from "../components/load";
import { Fact, Facts, Section } from "../components/Page";
import { Loading } from "../components/Progress";
import { useT } from "../i18n";
import { toHex } from "../tke/bytes";
import { CONTROL_POINTS, hex8, hasControlPoint, isImprint, splitPermissions } from "../tke/attributes";
import { Failure } from "./Failure";
import { ASPECTS, differs, isOdd, type Aspect, type ReadUnit, type UnitFacts } from "./facts";
import { Administrators, Register } from "./parts";

export function Overview({ units }: { units: readonly ReadUnit[] }) {
  return (
    <>
      {units.map((one) => (
        <UnitSection key={one.unit.hsm_id} read={one} />
      ))}
      <Sealing />
    </>
  );
}

function UnitSection({ read }: { read: ReadUnit }) {
  const t = useT();
  const { unit, facts } = read;
  return (
    <Section
      title={`${t(`units.type.${unit.type}`)} ${unit.location}`}
      actions={
        <span className="kh-tags">
          <Tag size="sm" type={unit.state === "initialized" ? "green" : unit.state === "imprint" ? "red" : "warm-gray"}>
            {t(`units.state.${unit.state}`)}
          </Tag>
          {unit.membership && (
            <Tag size="sm" type="outline">
              {t(`units.membership.${unit.membership}`)}
            </Tag>
          )}
        </span>
      }
    >
      {facts ? <FactsOf facts={facts} /> : <Failure error={read.error} />}
    </Section>
  );
}

function FactsOf({ facts }: { facts: UnitFacts }) {
  const t = useT();
  const { unit } = facts;
  return (
    <Facts>
      <Fact name={t("units.current")}>
        <Register facts={facts} which="current" />
      </Fact>
      <Fact name={t("units.new")}>
        <Register facts={facts} which="new" />
      </Fact>
      <Fact name={t("units.administrators")}>
        <Administrators all={facts.administrators} />
      </Fact>
      <Fact name={t("units.thresholds")}>
        <Thresholds facts={facts} />
      </Fact>
      <Fact name={t("units.permissions")}>
        <Permissions facts={facts} />
      </Fact>
      <Fact name={t("units.controlPoints")}>
        <ControlPoints facts={facts} />
      </Fact>
      <Fact name={t("units.serial")}>
        <code>{unit.serial_number}</code>
      </Fact>
      <Fact name={t("common.id")}>
        <CopyableText value={unit.hsm_id} what={t("copy.of", { what: t("common.id"), name: unit.location })} />
      </Fact>
    </Facts>
  );
}

interface FactsProps {
  facts: UnitFacts;
}

function Thresholds({ facts: { attributes } }: FactsProps) {
  const t = useT();
  return <>{isImprint(attributes) ? t("units.imprint") : t("units.thresholdsOf", { signature: attributes.signatureThreshold, revocation: attributes.revocationThreshold })}</>;
}

function Permissions({ facts: { attributes } }: FactsProps) {
  const t = useT();
  const { given, mayChange, unnamed } = splitPermissions(attributes.permissions);
  const words = given.map((name) => t(`permission.${name}`));
  if (mayChange !== 0) words.push(t("permission.mayChange", { bits: hex8(mayChange) }));
  if (unnamed !== 0) words.push(t("permission.unnamed", { bits: hex8(unnamed) }));
  return (
    <>
      <code>{hex8(attributes.permissions)}</code> {words.join("; ")}
      {attributes.compliance !== 0 && ` · ${t("block.compliance")} ${hex8(attributes.compliance)}`}
    </>
  );
}

// Those without a name are in the digits only.
function ControlPoints({ facts, digits = false }: FactsProps & { digits?: boolean }) {
  const t = useT();
  const points = CONTROL_POINTS.filter(({ bit }) => hasControlPoint(facts.controlPoints, bit));
  return (
    <>
      {points.length ? points.map(({ bit }) => t(`points.${bit}` as "points.0")).join("; ") : t("common.none")} {digits && <code>{toHex(facts.controlPoints)}</code>}
    </>
  );
}

// Of the whole unit process, so of all instances.
function Sealing() {
  const t = useT();
  const sealing = useLoad("sealing", async (signal) => (await call("get", "/v1/unit/sealing", { signal })).data);
  // It needs a role on the whole deployment, which administrators of an instance may not have.
  const isHidden = sealing.error instanceof ApiError && sealing.error.isRefusal;
  return (
    <Section title={t("sealing.title")}>
      {isHidden ? <p className="kh-muted">{t("instances.unknown")}</p> : <ErrorNotice error={sealing.error} onRetry={sealing.reload} />}
      {sealing.loading && <Loading />}
      {sealing.data && (
        <Facts>
          <Fact name={t("sealing.method")}>
            {sealing.data.method} {sealing.data.reference && <code>{sealing.data.reference}</code>}
          </Fact>
          <Fact name={t("sealing.detects")}>{t(sealing.data.detects_old_state ? "common.yes" : "common.no")}</Fact>
          <Fact name={t("sealing.advice")}>
            <span lang="en">{sealing.data.advice}</span>
          </Fact>
        </Facts>
      )}
    </Section>
  );
}

export function Compare({ facts }: { facts: readonly UnitFacts[] }) {
  const t = useT();
  if (facts.length < 2) return <EmptyState title={t("compare.few")} text={t("compare.fewMore")} />;
  const wrong = ASPECTS.filter((aspect) => differs(facts, aspect));
  return (
    <>
      <p role="status">{wrong.length === 0 ? t("compare.same", { count: facts.length }) : t("compare.differ", { count: wrong.length })}</p>
      <div className="kh-compare" tabIndex={0} role="region" aria-label={t("compare.title")}>
        <table className="cds--data-table">
          <caption className="cds--visually-hidden">{t("compare.title")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("compare.what")}</th>
              {facts.map(({ unit }) => (
                <th scope="col" key={unit.hsm_id}>
                  {t(`units.type.${unit.type}`)} <code>{unit.location}</code>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ASPECTS.map((aspect) => (
              <tr key={aspect}>
                <th scope="row">{t(`compare.aspect.${aspect}`)}</th>
                {facts.map((one) => (
                  <td key={one.unit.hsm_id}>
                    {isOdd(facts, one, aspect) && (
                      <Tag size="sm" type="red">
                        {t("compare.differs")}
                      </Tag>
                    )}
                    <Compared facts={one} aspect={aspect} digits={differs(facts, aspect)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Compared({ facts, aspect, digits }: { facts: UnitFacts; aspect: Aspect; digits: boolean }) {
  switch (aspect) {
    case "administrators":
      return <Administrators all={facts.administrators} />;
    case "thresholds":
      return <Thresholds facts={facts} />;
    case "current":
    case "new":
      return <Register facts={facts} which={aspect} />;
    case "controlPoints":
      return <ControlPoints facts={facts} digits={digits} />;
    case "permissions":
      return <Permissions facts={facts} />;
  }
}

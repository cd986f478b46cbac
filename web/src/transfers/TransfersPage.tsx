// Sealed transfers: keys on their way to another deployment, or from one. The quorums sign in the ceremony of `keyhaven
// console` or on the command line, which also moves the bundle; here one sees what is open, and ends it.
import { Button, Tag } from "@carbon/react";
import { useMemo, useState } from "react";
import { closeTransfer, listTransfers, type Transfers } from "../api/transfers";
import { Confirm } from "../components/Confirm";
import { Command } from "../components/Command";
import { CopyableText } from "../components/CopyButton";
import { DataTable, type Column } from "../components/DataTable";
import { EmptyState } from "../components/EmptyState";
import { Renew, TrashCan } from "../components/icons";
import { useLoad } from "../components/load";
import { useNotify } from "../components/notices";
import { MayButton } from "../components/Needs";
import { Page, Section } from "../components/Page";
import { useLocalRows } from "../components/rows";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useInstance } from "../shell/instance";

// So much of an id tells transfers apart.
const ID_SHOWN = 8;

interface Row {
  id: string;
  isIncoming: boolean;
  // GUID of the instance at the other side.
  other: string;
  expires: string;
  manifest: string | undefined;
}

const rowsOf = ({ outgoing, incoming }: Transfers): Row[] => [
  ...outgoing.map(({ id, target, expires }) => ({ id, isIncoming: false, other: target, expires, manifest: undefined })),
  ...incoming.map(({ id, source, expires, manifest }) => ({ id, isIncoming: true, other: source, expires, manifest })),
];

// Which command makes which step; the page gives the instance where it is this one.
const STEPS = [
  { text: "transfers.step.offer", command: "keyhaven transfer offer --instance {target} --source-root source.root --source-instance SOURCE --valid 24h --out offer.txt" },
  { text: "transfers.step.export", command: "keyhaven transfer export --instance {source} --offer offer.txt --target-root target.root --bundle keys.bundle --valid 24h" },
  { text: "transfers.step.consent", command: "keyhaven transfer consent --instance {target} --bundle keys.bundle --source-root source.root" },
  { text: "transfers.step.import", command: "keyhaven transfer import --instance {target} --bundle keys.bundle" },
  { text: "transfers.step.verify", command: "keyhaven transfer verify --bundle keys.bundle --source-url … --target-url …" },
] as const;

export default function TransfersPage() {
  const t = useT();
  const notify = useNotify();
  const { guid } = useInstance();
  const loaded = useLoad(`transfers:${guid}`, async (signal) => rowsOf(await listTransfers(guid, signal)));
  const rows = useLocalRows(loaded.data, loaded.error, loaded.reload);
  const [closing, setClosing] = useState<Row | null>(null);
  const columns = useMemo<Column<Row>[]>(
    () => [
      { key: "id", header: t("transfers.id"), width: 360, cell: (row) => <CopyableText value={row.id} what={`${t("transfers.id")} ${row.id.slice(0, ID_SHOWN)}`} /> },
      { key: "direction", header: t("transfers.direction"), width: 150, stacked: true, cell: (row) => <Tag size="sm" type={row.isIncoming ? "blue" : "purple"}>{t(row.isIncoming ? "transfers.incoming" : "transfers.outgoing")}</Tag> },
      { key: "other", header: t("transfers.other"), width: 360, cell: (row) => <code>{row.other}</code> },
      { key: "expires", header: t("transfers.expires"), width: 200, cell: (row) => <Time value={row.expires} /> },
      { key: "manifest", header: t("transfers.manifest"), width: 300, cell: (row) => <Manifest row={row} /> },
    ],
    [t],
  );
  return (
    <Page
      title={t("transfers.title")}
      intro={t("transfers.intro")}
      actions={
        <Button kind="ghost" renderIcon={Renew} onClick={loaded.reload}>
          {t("action.refresh")}
        </Button>
      }
    >
      <DataTable
        name="transfers"
        label={t("transfers.title")}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        menu={(row) => <MayButton needs="transfer.close" kind="ghost" size="sm" hasIconOnly renderIcon={TrashCan} iconDescription={`${t("transfers.close")} ${row.id}`} tooltipPosition="left" onClick={() => setClosing(row)} />}
        empty={<EmptyState title={t("transfers.empty")} text={t("transfers.emptyMore")} />}
      />
      <Steps guid={guid} />
      {closing && (
        <Confirm
          title={t("transfers.close")}
          confirmLabel={t("transfers.close")}
          danger
          typeName={closing.id}
          work={() => closeTransfer(guid, closing.id)}
          onClose={() => setClosing(null)}
          onDone={() => {
            notify(t("transfers.closed"));
            setClosing(null);
            loaded.reload();
          }}
        >
          <p>{t("transfers.closeMore")}</p>
        </Confirm>
      )}
    </Page>
  );
}

function Manifest({ row }: { row: Row }) {
  const t = useT();
  if (row.manifest) return <CopyableText value={row.manifest} what={t("copy.of", { what: t("transfers.manifest"), name: row.id.slice(0, ID_SHOWN) })} />;
  return <span className="kh-muted">{t(row.isIncoming ? "transfers.noConsent" : "transfers.notHere")}</span>;
}

function Steps({ guid }: { guid: string }) {
  const t = useT();
  return (
    <Section title={t("transfers.how")}>
      <p>{t("transfers.howMore")}</p>
      <ol className="kh-steps">
        {STEPS.map(({ text, command }, index) => {
          const line = command.replace(/\{(source|target)\}/, guid);
          return (
            <li key={text}>
              <p>{`${index + 1}. ${t(text)}`}</p>
              <Command text={line} />
            </li>
          );
        })}
      </ol>
      <p>{t("transfers.signers")}</p>
    </Section>
  );
}

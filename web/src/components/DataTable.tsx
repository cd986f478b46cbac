// The one table of the console: only the rows in view are in the document, so 50,000 are as quick as 50.
// Rows have one height; the table scrolls in its own region, which the keyboard reaches.
import { Checkbox, Tag } from "@carbon/react";
import { Fragment, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { useT } from "../i18n";
import { ErrorNotice } from "./ErrorNotice";
import type { Rows } from "./rows";

const ROW_PX = 48;
// Where the region is narrower than this, stacked columns stand below the first one.
const NARROW_PX = 560;
const STACKED_ROW_PX = 76;
const MENU_PX = 56;
// Rows drawn beyond the edge, so that fast scrolling and tabbing find them.
const MARGIN = 8;
// Before the first answer: as many grey rows as a page usually fills, so nothing jumps.
const UNKNOWN_ROWS = 10;

export interface Column<Row> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  // Pixels; the columns together may be wider than the screen.
  width: number;
  // The name that the server sorts by; without it the column is not sortable.
  sort?: string;
  // Not shown at first; the column chooser offers it.
  hidden?: boolean;
  // On a narrow screen below the first column, so that it is seen without scrolling sideways.
  stacked?: boolean;
}

interface DataTableProps<Row> {
  // Names the table for screen readers.
  label: string;
  // Under this name the choice of columns is remembered while the console is open.
  name: string;
  columns: Column<Row>[];
  rows: Rows<Row>;
  rowKey: (row: Row) => string;
  // "name" or "-name", as the API writes it.
  sort?: string;
  onSort?: (sort: string) => void;
  // The menu at the end of a row.
  menu?: (row: Row) => ReactNode;
  // Shown in place of the table when there are no rows.
  empty: ReactNode;
  // Filters and buttons above the table.
  toolbar?: ReactNode;
}

const chosenColumns = new Map<string, Set<string>>();

export function DataTable<Row>({ label, name, columns, rows, rowKey, sort, onSort, menu, empty, toolbar }: DataTableProps<Row>) {
  const t = useT();
  const region = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, width: 1000 });
  const [shown, setShown] = useState(() => chosenColumns.get(name) ?? new Set(columns.filter((column) => !column.hidden).map((column) => column.key)));

  const visible = columns.filter((column) => shown.has(column.key));
  const below = view.width < NARROW_PX ? visible.filter((column, index) => column.stacked && index > 0) : [];
  const beside = visible.filter((column) => !below.includes(column));
  const rowPx = below.length > 0 ? STACKED_ROW_PX : ROW_PX;
  // A stack has the whole width that the menu leaves.
  const widthOf = (column: Column<Row>) => (below.length > 0 && column === beside[0] ? Math.max(200, view.width - (menu ? MENU_PX : 0)) : column.width);

  const total = rows.total ?? UNKNOWN_ROWS;
  const first = Math.max(0, Math.min(Math.floor(view.top / rowPx), total - 1) - MARGIN);
  const last = Math.min(total - 1, Math.ceil((view.top + view.height) / rowPx) + MARGIN);
  const { want } = rows;
  useEffect(() => want(first, last), [want, first, last]);

  useLayoutEffect(() => {
    const element = region.current;
    if (!element) return;
    const measure = () => {
      const now = { top: element.scrollTop, height: element.clientHeight, width: element.clientWidth };
      setView((before) => (before.top === now.top && before.height === now.height && before.width === now.width ? before : now));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, [total === 0]);

  // A row goes that had the focus: deleted, or scrolled out of the document. The keyboard stays in the table.
  const focused = useRef<Element>(null);
  useLayoutEffect(() => {
    if (!focused.current || focused.current.isConnected) return;
    focused.current = null;
    if (document.activeElement === document.body) (region.current ?? document.getElementById("main"))?.focus({ preventScroll: true });
  });

  const choose = (key: string, checked: boolean) => {
    const next = new Set(shown);
    if (checked) next.add(key);
    else next.delete(key);
    chosenColumns.set(name, next);
    setShown(next);
  };

  return (
    <div className="kh-table-box">
      <div className="kh-toolbar">
        {toolbar}
        {rows.total !== 0 && <ColumnChooser columns={columns} shown={shown} choose={choose} />}
      </div>
      <ErrorNotice error={rows.error} onRetry={rows.reload} />
      {rows.total === 0 ? (
        empty
      ) : rows.total === undefined && rows.error !== undefined ? null : (
        <div className="kh-table-region" ref={region} tabIndex={0} role="region" aria-label={`${label}. ${t("table.keyboard")}`} onFocus={(event) => (focused.current = event.target)} onBlur={(event) => event.target.isConnected && (focused.current = null)}>
          <table className="cds--data-table kh-table" aria-label={label} aria-rowcount={total + 1} aria-busy={rows.total === undefined}>
            <colgroup>
              {beside.map((column) => (
                <col key={column.key} style={{ width: widthOf(column) }} />
              ))}
              {menu && <col style={{ width: MENU_PX }} />}
            </colgroup>
            <thead>
              <tr aria-rowindex={1}>
                {beside.map((column, position) => (
                  <HeaderCell key={column.key} columns={position === 0 ? [column, ...below] : [column]} sort={sort} onSort={onSort} />
                ))}
                {menu && (
                  <th scope="col" className="kh-menu-cell">
                    <span className="cds--visually-hidden">{t("table.actions")}</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              <Gap px={first * rowPx} />
              {Array.from({ length: Math.max(0, last - first + 1) }, (_, position) => {
                const index = first + position;
                const row = rows.at(index);
                return (
                  <tr key={row ? rowKey(row) : `row-${index}`} aria-rowindex={index + 2} style={{ height: rowPx }}>
                    {beside.map((column, position) => (
                      <td key={column.key}>
                        {row ? <Cells row={row} columns={position === 0 ? [column, ...below] : [column]} /> : <span className="kh-skeleton" title={t("table.loadingRow")} />}
                      </td>
                    ))}
                    {menu && <td className="kh-menu-cell">{row && menu(row)}</td>}
                  </tr>
                );
              })}
              <Gap px={(total - 1 - last) * rowPx} />
            </tbody>
          </table>
        </div>
      )}
      {rows.total !== undefined && rows.total > 0 && (
        <p className="kh-table-foot" role="status">
          {rows.total === 1 ? t("table.oneRow") : t("table.rows", { count: rows.total.toLocaleString() })}
        </p>
      )}
    </div>
  );
}

// Stands for rows that are not in the document.
const Gap = ({ px }: { px: number }) => (px > 0 ? <tr aria-hidden="true" className="kh-gap" style={{ height: px }} /> : null);

// One column, or the first one with those that are stacked below it.
function Cells<Row>({ row, columns }: { row: Row; columns: Column<Row>[] }) {
  return columns.map((column) => (
    <div key={column.key} className="kh-cell">
      {column.cell(row)}
    </div>
  ));
}

type Direction = "ascending" | "descending" | "none";
const ARROWS = { ascending: "↑", descending: "↓", none: "↕" };

interface HeaderCellProps<Row> {
  columns: Column<Row>[];
  sort?: string;
  onSort?: (sort: string) => void;
}

function HeaderCell<Row>({ columns, sort, onSort }: HeaderCellProps<Row>) {
  const t = useT();
  const direction = (column: Column<Row>): Direction => (sort === column.sort ? "ascending" : sort === `-${column.sort}` ? "descending" : "none");
  const sortable = onSort ? columns.filter((column) => column.sort) : [];
  return (
    <th scope="col" aria-sort={sortable[0] && direction(sortable[0])}>
      {columns.map((column, position) => (
        <Fragment key={column.key}>
          {position > 0 && " · "}
          {!column.sort || !onSort ? (
            column.header
          ) : (
            <button type="button" className="kh-sort" title={t("table.sortBy", { column: column.header })} onClick={() => onSort(direction(column) === "ascending" ? `-${column.sort}` : column.sort!)}>
              {column.header}
              <span aria-hidden="true">{ARROWS[direction(column)]}</span>
            </button>
          )}
        </Fragment>
      ))}
    </th>
  );
}

function ColumnChooser<Row>({ columns, shown, choose }: { columns: Column<Row>[]; shown: Set<string>; choose: (key: string, checked: boolean) => void }) {
  const t = useT();
  if (columns.length < 5) return null;
  return (
    <details className="kh-columns">
      <summary>
        {t("table.columns")} <Tag size="sm">{`${shown.size}/${columns.length}`}</Tag>
      </summary>
      <div className="kh-columns-list">
        {columns.map((column, index) => (
          <Checkbox key={column.key} id={`column-${column.key}`} labelText={column.header} checked={shown.has(column.key)} disabled={index === 0} onChange={(_, { checked }) => choose(column.key, checked)} />
        ))}
      </div>
    </details>
  );
}

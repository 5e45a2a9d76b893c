import { ArrowDown } from "lucide-react";
import { useRef } from "react";
import { useRowKeys } from "@/app/useRowKeys";
import { cx } from "@/lib/cx";
import { count, dollars, percent } from "@/lib/format";
import { t } from "@/strings";
import { Swatch } from "@/ui/charts/ChartHint";
import { colourOf } from "@/ui/charts/chart";
import { Section } from "@/ui/Section";
import {
  type Dimension,
  failureRate,
  type Group,
  SORTS,
  type Sort,
  sorted,
  type Totals,
} from "../model/series";

const s = t.usage;
const FAILURES_FIRST: readonly Sort[] = ["name", "failed", "rate", "calls", "cost", "input", "output"];

interface Props {
  groups: readonly Group[];
  all: Totals;
  nameOf(id: string): string;
  by: Dimension;
  only: string | undefined;
  onOnly(id: string): void;
  sort: Sort;
  /** What failed stands before what it cost. */
  failuresFirst?: boolean;
  onSort(next: Sort): void;
}

/** Every group with its sums. */
export function GroupsTable(props: Props) {
  const { groups, all, nameOf, by, only, onOnly, sort, onSort, failuresFirst = false } = props;
  const columns = failuresFirst ? FAILURES_FIRST : SORTS;
  const body = useRef<HTMLTableSectionElement>(null);
  useRowKeys(body);
  return (
    <Section as="h2" title={s.table}>
      {/* biome-ignore lint/a11y/useSemanticElements: it is a region only so that it can be scrolled by keys */}
      <div
        role="group"
        aria-label={s.table}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
        tabIndex={0}
        className="overflow-x-auto rounded-lg border bg-surface shadow-sm"
      >
        <table className="w-full text-sm">
          <thead>
            <tr className="border-b">
              {columns.map((column) => (
                <th
                  key={column}
                  scope="col"
                  aria-sort={sort === column ? (column === "name" ? "ascending" : "descending") : undefined}
                  className={cx("px-2 py-1.5 font-medium", column === "name" ? "text-left" : "text-right")}
                >
                  <button
                    type="button"
                    title={s.sortBy(column === "name" ? s.dimensions[by] : s.columns[column])}
                    onClick={() => onSort(column)}
                    className={cx(
                      "inline-flex items-center gap-1 rounded-md px-1 py-1 text-xs whitespace-nowrap hover:text-text",
                      sort === column ? "text-text" : "text-muted",
                    )}
                  >
                    {column === "name" ? s.dimensions[by] : s.columns[column]}
                    {sort === column && <ArrowDown aria-hidden className="size-3" />}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={body}>
            {sorted(groups, sort, nameOf).map((group) => (
              <tr
                key={group.id}
                className={cx("border-b last:border-0 hover:bg-hover/60", group.id === only && "bg-hover")}
              >
                <th scope="row" className="max-w-64 px-2 py-1 text-left font-normal">
                  <button
                    type="button"
                    data-row={group.id}
                    aria-pressed={group.id === only}
                    title={s.only(nameOf(group.id))}
                    onClick={() => onOnly(group.id)}
                    className="flex max-w-full min-w-32 items-center gap-2 rounded-md px-1 py-1"
                  >
                    <Swatch colour={colourOf(group.colour)} />
                    <span className="truncate">{nameOf(group.id)}</span>
                  </button>
                </th>
                <Cells
                  columns={columns}
                  it={group.totals}
                  share={all.cost === 0 ? undefined : group.totals.cost / all.cost}
                />
              </tr>
            ))}
          </tbody>
          {groups.length > 1 && (
            <tfoot>
              <tr className="border-t font-medium">
                <th scope="row" className="px-3 py-2 text-left font-medium">
                  {s.total}
                </th>
                <Cells columns={columns} it={all} share={undefined} />
              </tr>
            </tfoot>
          )}
        </table>
      </div>
    </Section>
  );
}

interface CellsProps {
  columns: readonly Sort[];
  it: Totals;
  share: number | undefined;
}

function Cells({ columns, it, share }: CellsProps) {
  return columns
    .filter((column) => column !== "name")
    .map((column) => (
      <td
        key={column}
        className={cx(
          "px-3 py-2 text-right whitespace-nowrap tabular-nums",
          column === "cost" && "min-w-28",
          (column === "failed" || column === "rate") && (it.failed > 0 ? "text-bad" : "text-muted"),
        )}
      >
        {amountOf(column, it)}
        {column === "cost" && share !== undefined && (
          <span className="mt-1 block h-1 overflow-hidden rounded-full bg-hover">
            <span
              role="img"
              aria-label={`${s.share}: ${percent(share)}`}
              className="block h-full rounded-full bg-accent"
              style={{ width: `${share * 100}%` }}
            />
          </span>
        )}
      </td>
    ));
}

function amountOf(column: Exclude<Sort, "name">, it: Totals): string {
  switch (column) {
    case "cost":
      return dollars(it.cost);
    case "calls":
      return count(it.calls);
    case "failed":
      return count(it.failed);
    case "rate": {
      const rate = failureRate(it);
      return rate === undefined ? "" : percent(rate);
    }
    case "input":
      return count(it.input);
    case "output":
      return count(it.output);
  }
}

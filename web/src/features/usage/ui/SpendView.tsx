import { useQuery } from "@tanstack/react-query";
import { ChartColumnStacked } from "lucide-react";
import { useMemo } from "react";
import { cx } from "@/lib/cx";
import { count, dollars } from "@/lib/format";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { colourOf, restColour } from "@/ui/charts/chart";
import { StackedBars } from "@/ui/charts/lazy";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { usageQuery } from "../api/usage";
import { before, bucketLabel, bucketRange, bucketTitle, type Range, shortDay, unitOf } from "../model/range";
import { idOfOnly, onlyOf, type UsageSearch } from "../model/search";
import {
  barsOf,
  DIMENSIONS,
  type Group,
  groupsOf,
  METRICS,
  type Metric,
  measure,
  nothing,
  type Row,
  sum,
} from "../model/series";
import { DaysTable } from "./DaysTable";
import { GroupsTable } from "./GroupsTable";
import { Legend } from "./Legend";
import { Stats } from "./Stats";
import { useNames } from "./useNames";

const s = t.usage;

export const formatOf = (metric: Metric) => (metric === "cost" ? dollars : count);

interface Props {
  search: UsageSearch;
  range: Range;
  onChange(next: UsageSearch): void;
  onRange(next: Range): void;
}

/** What was spent, on what and by whom. */
export function SpendView(props: Props) {
  const { search, range, onChange } = props;
  const by = search.by ?? "agent";
  const metric = search.metric ?? "cost";
  const usage = useQuery(usageQuery(range, ["day", by]));
  const earlier = useQuery(usageQuery(before(range), []));
  const set = (part: Partial<UsageSearch>) => onChange({ ...search, ...part });
  const rows = usage.data;
  return (
    <div className={cx("flex flex-col gap-5 p-4 md:p-6", usage.isPlaceholderData && "opacity-60")}>
      <div className="flex flex-wrap items-center gap-2">
        <Select
          label={s.by}
          value={by}
          onChange={(value) => {
            const { only: _, by: __, ...rest } = search;
            const next = DIMENSIONS.find((it) => it === value) ?? "agent";
            onChange(next === "agent" ? rest : { ...rest, by: next });
          }}
          options={DIMENSIONS.map((it) => ({ value: it, name: `${s.by} ${s.dimensions[it].toLowerCase()}` }))}
        />
        <Select
          label={s.metric}
          value={metric}
          onChange={(value) => set({ metric: METRICS.find((it) => it === value) ?? "cost" })}
          options={METRICS.map((it) => ({ value: it, name: s.metrics[it] }))}
        />
      </div>
      {usage.isPending && <Waiting />}
      {usage.isError && <ErrorNotice error={usage.error} onRetry={() => void usage.refetch()} />}
      {rows?.length === 0 && (
        <Empty
          icon={ChartColumnStacked}
          title={s.empty}
          action={
            search.range === "12m" ? undefined : (
              <Button onClick={() => onChange({ ...search, range: "12m" })}>{s.longer}</Button>
            )
          }
        >
          {s.emptyDetail}
        </Empty>
      )}
      {rows && rows.length > 0 && <Spent {...props} rows={rows} earlier={earlier.data} />}
    </div>
  );
}

function Waiting() {
  return (
    <div role="status" aria-label={t.common.loading} className="flex flex-col gap-5">
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        {["a", "b", "c", "d"].map((it) => (
          <Skeleton key={it} className="h-20" />
        ))}
      </div>
      <Skeleton className="h-80" />
      <Skeleton className="h-40" />
    </div>
  );
}

function Spent({
  search,
  range,
  onChange,
  onRange,
  rows,
  earlier,
}: Props & { rows: Row[]; earlier?: Row[] | undefined }) {
  const by = search.by ?? "agent";
  const metric = search.metric ?? "cost";
  const nameOf = useNames(by);
  const groups = useMemo(() => groupsOf(rows, by, metric), [rows, by, metric]);
  const bars = useMemo(() => barsOf(rows, by, range), [rows, by, range]);
  const all = useMemo(() => sum(rows), [rows]);
  const only = idOfOnly(search.only);
  const isolate = (id: string) => {
    const { only: now, ...rest } = search;
    onChange(now === onlyOf(id) ? rest : { ...rest, only: onlyOf(id) });
  };
  const shown = groups.filter((it) => (only === undefined ? it.colour !== undefined : it.id === only));
  const together = only === undefined ? groups.filter((it) => it.colour === undefined) : [];
  const series = [
    ...shown.map((it) => ({ id: `g ${it.id}`, name: nameOf(it.id), colour: colourOf(it.colour) })),
    ...(together.length > 0 ? [{ id: "rest", name: s.rest(together.length), colour: restColour }] : []),
  ];
  const unit = unitOf(range);
  const amount = (bar: (typeof bars)[number], group: Group) =>
    measure(bar.parts.get(group.id) ?? nothing(), metric);
  const drawn = bars.map((bar) => ({
    label: bucketLabel(bar.first, unit),
    title: bucketTitle(bar.first, unit, range),
    values: [
      ...shown.map((it) => amount(bar, it)),
      ...(together.length > 0 ? [together.reduce((sum, it) => sum + amount(bar, it), 0)] : []),
    ],
  }));
  const choose = (first: number, last: number) => {
    const [a, b] = [bars[first], bars[last]];
    if (a && b)
      onRange({ from: bucketRange(a.first, unit, range).from, to: bucketRange(b.first, unit, range).to });
  };
  const days = s.custom(shortDay(range.from), shortDay(range.to));
  const title = s.chart(s.metrics[metric], s.dimensions[by].toLowerCase(), days);
  const isNothing = measure(all, metric) === 0;
  return (
    <>
      <Stats now={all} then={earlier ? sum(earlier) : undefined} range={range} />
      <figure className="flex flex-col gap-3 rounded-lg border bg-surface p-3 shadow-sm md:p-4">
        <figcaption className="flex flex-wrap items-baseline justify-between gap-x-4">
          <h2 className="text-sm font-semibold">{title}</h2>
          <span className="text-xs text-muted">
            {s.bars[unit]} {bars.length > 1 && <span className="pointer-coarse:hidden">{s.zoomHint}</span>}
          </span>
        </figcaption>
        {isNothing ? (
          <div className="flex flex-col items-center gap-3 py-10 text-center text-sm text-muted">
            <p>{s.noneOf[metric]}</p>
            {metric === "cost" && (
              <Button size="sm" onClick={() => onChange({ ...search, metric: "tokens" })}>
                {s.toTokens}
              </Button>
            )}
          </div>
        ) : (
          <StackedBars
            label={title}
            series={series}
            bars={drawn}
            format={formatOf(metric)}
            tick={formatOf(metric)}
            totalName={s.total}
            nothingName={s.nothing}
            {...(bars.length > 1 ? { onChoose: choose } : {})}
          />
        )}
        <Legend groups={groups} nameOf={nameOf} only={only} onOnly={isolate} />
      </figure>
      <GroupsTable
        groups={groups}
        all={all}
        nameOf={nameOf}
        by={by}
        only={only}
        onOnly={isolate}
        sort={search.sort ?? "cost"}
        onSort={(sort) => onChange({ ...search, sort })}
      />
      {all.unpriced > 0 && (
        <Notice tone="warn">
          {s.unpriced(all.unpriced)} {s.unpricedFix}
        </Notice>
      )}
      <DaysTable title={title} series={series} bars={drawn} format={formatOf(metric)} />
    </>
  );
}

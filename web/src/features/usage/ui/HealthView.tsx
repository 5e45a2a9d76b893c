import { useQuery } from "@tanstack/react-query";
import { Activity } from "lucide-react";
import { useMemo } from "react";
import { cx } from "@/lib/cx";
import { count, percent } from "@/lib/format";
import { t } from "@/strings";
import { ChartKey } from "@/ui/charts/ChartHint";
import { colourOf, colours } from "@/ui/charts/chart";
import { Lines, StackedBars } from "@/ui/charts/lazy";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { usageQuery } from "../api/usage";
import { bucketLabel, bucketRange, bucketTitle, type Range, shortDay, unitOf } from "../model/range";
import type { UsageSearch } from "../model/search";
import { barsOf, failureRate, groupsOf, idOf, nothing, type Row, sum } from "../model/series";
import { DaysTable } from "./DaysTable";
import { GroupsTable } from "./GroupsTable";
import { Latency } from "./Latency";
import { Legend } from "./Legend";
import { useNames } from "./useNames";

const s = t.usage;

interface Props {
  search: UsageSearch;
  range: Range;
  onChange(next: UsageSearch): void;
  onRange(next: Range): void;
}

/** Which models failed, and how often. */
export function HealthView(props: Props) {
  const { search, range, onChange } = props;
  const usage = useQuery(usageQuery(range, ["day", "model"]));
  const models = useMemo(
    () => [...new Set((usage.data ?? []).map((row) => idOf(row, "model")))].filter(Boolean).toSorted(),
    [usage.data],
  );
  const choose = (model: string) => {
    const { model: _, ...rest } = search;
    onChange(model === "" ? rest : { ...rest, model });
  };
  return (
    <div className={cx("flex flex-col gap-5 p-4 md:p-6", usage.isPlaceholderData && "opacity-60")}>
      <div className="flex flex-wrap items-center gap-2">
        <Select
          label={s.health.model}
          value={search.model ?? ""}
          onChange={choose}
          className="max-w-full sm:max-w-96"
          options={[
            { value: "", name: s.health.allModels },
            ...[...new Set([...models, ...(search.model ? [search.model] : [])])].map((it) => ({
              value: it,
              name: it,
            })),
          ]}
        />
        <p className="text-xs text-muted">{s.health.detail}</p>
      </div>
      {usage.isPending && <Skeleton className="h-80" />}
      {usage.isError && <ErrorNotice error={usage.error} onRetry={() => void usage.refetch()} />}
      {usage.data?.length === 0 && (
        <Empty icon={Activity} title={s.empty}>
          {s.emptyDetail}
        </Empty>
      )}
      {usage.data && usage.data.length > 0 && <Errors {...props} rows={usage.data} onModel={choose} />}
    </div>
  );
}

function Errors({
  search,
  range,
  onRange,
  onChange,
  rows,
  onModel,
}: Props & { rows: Row[]; onModel(model: string): void }) {
  const nameOf = useNames("model");
  const only = search.model;
  const groups = useMemo(() => groupsOf(rows, "model", "calls"), [rows]);
  const bars = useMemo(() => barsOf(rows, "model", range), [rows, range]);
  const unit = unitOf(range);
  const days = s.custom(shortDay(range.from), shortDay(range.to));
  const places = bars.map((bar) => ({
    label: bucketLabel(bar.first, unit),
    title: bucketTitle(bar.first, unit, range),
  }));
  const of = (bar: (typeof bars)[number]) =>
    only === undefined ? bar.totals : (bar.parts.get(only) ?? nothing());
  const outcomes = [
    { id: "answered", name: s.health.answered, colour: colours[0] },
    { id: "failed", name: s.health.failed, colour: "var(--bad)" },
  ];
  const drawn = bars.map((bar, at) => {
    const { calls, failed } = of(bar);
    return { label: "", title: "", ...places[at], values: [calls - failed, failed] };
  });
  const choose = (first: number, last: number) => {
    const [a, b] = [bars[first], bars[last]];
    if (a && b)
      onRange({ from: bucketRange(a.first, unit, range).from, to: bucketRange(b.first, unit, range).to });
  };
  const shown = groups.filter((it) => (only === undefined ? it.colour !== undefined : it.id === only));
  const rates = shown.map((it) => ({
    id: `m ${it.id}`,
    name: nameOf(it.id),
    colour: colourOf(it.colour),
    values: bars.map((bar) => failureRate(bar.parts.get(it.id) ?? nothing())),
  }));
  const callsTitle = s.health.calls(only ?? s.health.everyModel, days);
  const rateTitle = s.health.rate(days);
  const sorts = search.sort ?? "failed";
  return (
    <>
      <div className="grid grid-cols-1 gap-5 xl:grid-cols-2">
        <figure className="flex min-w-0 flex-col gap-3 rounded-lg border bg-surface p-3 shadow-sm md:p-4">
          <figcaption>
            <h2 className="text-sm font-semibold">{callsTitle}</h2>
          </figcaption>
          <StackedBars
            label={callsTitle}
            series={outcomes}
            bars={drawn}
            format={count}
            tick={count}
            totalName={s.total}
            nothingName={s.nothing}
            height={220}
            {...(bars.length > 1 ? { onChoose: choose } : {})}
          />
          <ChartKey label={s.legend} series={outcomes} />
          <DaysTable title={callsTitle} series={outcomes} bars={drawn} format={count} />
        </figure>
        <figure className="flex min-w-0 flex-col gap-3 rounded-lg border bg-surface p-3 shadow-sm md:p-4">
          <figcaption>
            <h2 className="text-sm font-semibold">{rateTitle}</h2>
          </figcaption>
          <Lines
            label={rateTitle}
            places={places}
            series={rates}
            format={percent}
            tick={percent}
            nothingName={s.health.noCalls}
            least={0.01}
            height={220}
          />
          <Legend
            groups={groups}
            nameOf={nameOf}
            only={only}
            onOnly={(id) => onModel(id === only ? "" : id)}
          />
          <DaysTable
            title={rateTitle}
            series={rates}
            bars={places.map((place, at) => ({ ...place, values: rates.map((it) => it.values[at]) }))}
            format={percent}
          />
        </figure>
      </div>
      <Latency range={range} groups={groups} only={only} />
      <GroupsTable
        groups={groups}
        all={sum(rows)}
        nameOf={nameOf}
        by="model"
        failuresFirst
        only={only}
        onOnly={(id) => onModel(id === only ? "" : id)}
        sort={sorts}
        onSort={(sort) => onChange({ ...search, sort })}
      />
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { cx } from "@/lib/cx";
import { duration } from "@/lib/format";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { ChartKey } from "@/ui/charts/ChartHint";
import { colourOf, colours } from "@/ui/charts/chart";
import { Lines } from "@/ui/charts/lazy";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Segmented } from "@/ui/Segmented";
import { Skeleton } from "@/ui/Skeleton";
import { latencyQuery } from "../api/usage";
import {
  lookable,
  MOMENTS,
  type Moment,
  marksOf,
  PERCENTILES,
  type Percentile,
  placeName,
  placesOf,
  stepOf,
  timesOf,
} from "../model/latency";
import { type Range, shortDay } from "../model/range";
import type { Group } from "../model/series";
import { DaysTable } from "./DaysTable";

const s = t.usage.latency;

interface Props {
  range: Range;
  groups: readonly Group[];
  /** The one model that is looked at. */
  only: string | undefined;
}

/** How long calls took: one model's percentiles, or one percentile of each model. */
export function Latency({ range: wanted, groups, only }: Props) {
  const now = useMinute();
  const range = lookable(wanted);
  const step = stepOf(range);
  const latency = useQuery(latencyQuery(range, step));
  const [moment, setMoment] = useState<Moment>("whole");
  const [percentile, setPercentile] = useState<Percentile>("p95");
  const rows = latency.data ?? [];
  const at = placesOf(range, now);
  const places = at.map((it) => placeName(it, step));
  const series =
    only === undefined
      ? groups
          .filter((it) => it.colour !== undefined)
          .map((it) => ({
            id: `m ${it.id}`,
            name: it.id,
            colour: colourOf(it.colour),
            values: timesOf(rows, it.id, at, moment, percentile),
          }))
      : PERCENTILES.map((name, number) => ({
          id: name,
          name: s.percentiles[name],
          colour: colours[number] ?? colours[0],
          values: timesOf(rows, only, at, moment, name),
        }));
  const isNothing = series.every((it) => it.values.every((value) => value === undefined));
  const days = t.usage.custom(shortDay(range.from), shortDay(range.to));
  const title = only === undefined ? s.all(s.percentiles[percentile], days) : s.one(only, days);
  const unit = step === "hour" ? s.hours : s.days;
  return (
    <figure
      className={cx(
        "flex min-w-0 flex-col gap-3 rounded-lg border bg-surface p-3 shadow-sm md:p-4",
        latency.isPlaceholderData && "opacity-60",
      )}
    >
      <figcaption className="flex flex-wrap items-center justify-between gap-2">
        <div>
          <h2 className="text-sm font-semibold">{title}</h2>
          <p className="text-xs text-muted">
            {moment === "whole" ? s.wholeDetail : s.firstDetail} {unit}
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Segmented
            label={s.moment}
            value={moment}
            options={MOMENTS.map((name) => ({ name, label: s.moments[name] }))}
            onChange={(next: Moment) => setMoment(next)}
          />
          {only === undefined && (
            <Segmented
              label={s.percentile}
              value={percentile}
              options={PERCENTILES.map((name) => ({ name, label: name, title: s.percentiles[name] }))}
              onChange={(next: Percentile) => setPercentile(next)}
            />
          )}
        </div>
      </figcaption>
      {latency.isPending && <Skeleton className="h-56" />}
      {latency.isError && <ErrorNotice error={latency.error} onRetry={() => void latency.refetch()} />}
      {latency.isSuccess &&
        (isNothing ? (
          <p className="py-10 text-center text-sm text-muted">{s.nothing}</p>
        ) : (
          <>
            <Lines
              label={title}
              places={places}
              series={series}
              format={duration}
              tick={(it) => (it === 0 ? "0" : duration(it))}
              nothingName={t.usage.health.noCalls}
              height={220}
              ticks={marksOf(at, step)}
            />
            <ChartKey label={t.usage.legend} series={series} />
            <DaysTable
              title={title}
              series={series}
              bars={places.map((place, index) => ({
                ...place,
                values: series.map((it) => it.values[index]),
              }))}
              format={duration}
            />
          </>
        ))}
    </figure>
  );
}

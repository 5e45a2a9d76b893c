/** How long calls took, as lines over hours or days of UTC. Pure; the clock is handed in. */
import { addDays, daysIn, type Range, shortDay } from "./range";

const HOUR_MS = 3_600_000;
/** Longer times are shown by the day. */
const HOURLY_DAYS = 7;
/** What the server looks back at most. */
const DAYS_MAX = 366;

export const PERCENTILES = ["p50", "p95", "p99"] as const;
export type Percentile = (typeof PERCENTILES)[number];
export const MOMENTS = ["whole", "first"] as const;
export type Moment = (typeof MOMENTS)[number];

type Times = {
  [Name in `${"" | "first_byte_"}${Percentile}_ms`]?: number | null;
};

export interface LatencyRow extends Times {
  from: string;
  model: string;
}

export const stepOf = (range: Range): "hour" | "day" => (daysIn(range) <= HOURLY_DAYS ? "hour" : "day");

/** The part of a range that can be asked for at once: its end. */
export const lookable = (range: Range): Range =>
  daysIn(range) > DAYS_MAX ? { from: addDays(range.to, 1 - DAYS_MAX), to: range.to } : range;

/** When each place of the chart begins; none that is still to come. */
export function placesOf(range: Range, now: number): number[] {
  const step = stepOf(range) === "hour" ? HOUR_MS : 24 * HOUR_MS;
  const found: number[] = [];
  const end = Math.min(Date.parse(`${addDays(range.to, 1)}T00:00:00Z`), now + 1);
  for (let at = Date.parse(`${range.from}T00:00:00Z`); at < end; at += step) found.push(at);
  return found;
}

export function placeName(at: number, step: "hour" | "day"): { label: string; title: string } {
  const iso = new Date(at).toISOString();
  const day = shortDay(iso.slice(0, 10));
  if (step === "day") return { label: day, title: day };
  const hour = iso.slice(11, 16);
  return { label: hour === "00:00" ? day : hour, title: `${day}, ${hour} UTC` };
}

/** Which places the axis names: midnights where hours of more days than two would only repeat themselves. */
export function marksOf(places: readonly number[], step: "hour" | "day"): number[] | undefined {
  if (step === "day" || places.length <= 48) return undefined;
  return places.flatMap((at, index) => (at % (24 * HOUR_MS) === 0 ? [index] : []));
}

const timeOf = (row: LatencyRow, moment: Moment, percentile: Percentile): number | undefined =>
  (moment === "whole" ? row[`${percentile}_ms`] : row[`first_byte_${percentile}_ms`]) ?? undefined;

/** A model's times at each place. */
export function timesOf(
  rows: readonly LatencyRow[],
  model: string,
  places: readonly number[],
  moment: Moment,
  percentile: Percentile,
): (number | undefined)[] {
  const found = new Map(
    rows
      .filter((row) => row.model === model)
      .map((row) => [Date.parse(row.from), timeOf(row, moment, percentile)]),
  );
  return places.map((at) => found.get(at));
}

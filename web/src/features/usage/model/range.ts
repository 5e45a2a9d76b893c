/** Which days are looked at. All days are of UTC, as the server counts them. Pure; the clock is handed in. */

export const PRESETS = ["7d", "30d", "90d", "month", "12m"] as const;
export type Preset = (typeof PRESETS)[number];

/** The first and the last day, both within it. */
export interface Range {
  from: string;
  to: string;
}

/** What stands in the address. Two days, or else a preset. */
export interface RangeSearch {
  range?: Preset;
  from?: string;
  to?: string;
}

const DAY_MS = 86_400_000;
export const USUAL: Preset = "30d";
/** Longer ranges would only be slow to draw. */
const DAYS_MAX = 1100;

export const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const earlier = (a: string, b: string) => (a < b ? a : b);
const later = (a: string, b: string) => (a < b ? b : a);
const msOf = (day: string) => Date.parse(`${day}T00:00:00Z`);
export const addDays = (day: string, days: number) => dayOf(msOf(day) + days * DAY_MS);
export const daysIn = ({ from, to }: Range) => Math.round((msOf(to) - msOf(from)) / DAY_MS) + 1;

/** A day as the address and the server write it; undefined if it is none. */
export function isDay(value: unknown): value is string {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const ms = msOf(value);
  return !Number.isNaN(ms) && dayOf(ms) === value;
}

function presetRange(preset: Preset, today: string): Range {
  switch (preset) {
    case "7d":
      return { from: addDays(today, -6), to: today };
    case "30d":
      return { from: addDays(today, -29), to: today };
    case "90d":
      return { from: addDays(today, -89), to: today };
    case "month":
      return { from: `${today.slice(0, 7)}-01`, to: today };
    case "12m":
      return { from: addDays(today, -364), to: today };
  }
}

/** The range that an address names: never backwards, never too long. */
export function rangeOf(search: RangeSearch, now: number): Range {
  const today = dayOf(now);
  const { from, to } = search;
  if (!isDay(from) || !isDay(to)) return presetRange(search.range ?? USUAL, today);
  const [first, last] = from <= to ? [from, to] : [to, from];
  return {
    from: daysIn({ from: first, to: last }) > DAYS_MAX ? addDays(last, 1 - DAYS_MAX) : first,
    to: last,
  };
}

/** As many days, right before. */
export const before = (range: Range): Range => ({
  from: addDays(range.from, -daysIn(range)),
  to: addDays(range.from, -1),
});

/** Half of it around its middle, and no less than a day. */
export function narrower(range: Range): Range {
  const days = daysIn(range);
  if (days <= 1) return range;
  const kept = Math.max(1, Math.ceil(days / 2));
  const from = addDays(range.from, Math.floor((days - kept) / 2));
  return { from, to: addDays(from, kept - 1) };
}

/** Twice of it, not beyond today. */
export function wider(range: Range, now: number): Range {
  const today = dayOf(now);
  const more = daysIn(range);
  const to = addDays(range.to, Math.floor(more / 2));
  const last = earlier(to, later(today, range.to));
  return rangeOf({ from: addDays(last, 1 - Math.min(DAYS_MAX, 2 * more)), to: last }, now);
}

/** The same number of days, earlier or later, not beyond today. */
export function shifted(range: Range, by: -1 | 1, now: number): Range {
  const days = daysIn(range);
  const to = addDays(range.to, by * days);
  const today = dayOf(now);
  const last = earlier(to, later(today, range.to));
  return { from: addDays(last, 1 - days), to: last };
}

export type Unit = "day" | "week" | "month";

/** How long one bar of a chart is. */
export function unitOf(range: Range): Unit {
  const days = daysIn(range);
  return days <= 92 ? "day" : days <= 400 ? "week" : "month";
}

/** The first day of the bar that a day is part of. Weeks begin on Monday. */
export function bucketOf(day: string, unit: Unit): string {
  switch (unit) {
    case "day":
      return day;
    case "week":
      return addDays(day, -((new Date(msOf(day)).getUTCDay() + 6) % 7));
    case "month":
      return `${day.slice(0, 7)}-01`;
  }
}

/** The days of a bar, within the range. */
export function bucketRange(first: string, unit: Unit, range: Range): Range {
  const month = new Date(msOf(first));
  const end =
    unit === "day"
      ? first
      : unit === "week"
        ? addDays(first, 6)
        : dayOf(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0));
  return { from: later(first, range.from), to: earlier(end, range.to) };
}

/** The first days of all bars of a range. */
export function buckets(range: Range, unit: Unit): string[] {
  const found: string[] = [];
  for (let day = range.from; day <= range.to; day = addDays(day, 1)) {
    const first = bucketOf(day, unit);
    if (found.at(-1) !== first) found.push(first);
  }
  return found;
}

const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const long = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});
const monthName = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" });

/** A bar's name below an axis. */
export const bucketLabel = (first: string, unit: Unit) =>
  (unit === "month" ? monthName : short).format(new Date(msOf(first)));

export const dayName = (day: string) => long.format(new Date(msOf(day)));
export const shortDay = (day: string) => short.format(new Date(msOf(day)));

/** A bar's whole name. */
export function bucketTitle(first: string, unit: Unit, range: Range): string {
  if (unit === "day") return dayName(first);
  const { from, to } = bucketRange(first, unit, range);
  return from === to ? dayName(from) : `${shortDay(from)} – ${shortDay(to)}`;
}

/** How fast a month's limit is used up. Days and months are of UTC. Pure; the clock is handed in. */
import { addDays, dayOf } from "@/features/usage/model/range";

const DAY_MS = 86_400_000;

export interface Burn {
  /** All days of the month. */
  days: string[];
  /** What was spent from the first of the month to the end of each day; none for days to come. */
  spent: (number | undefined)[];
  /** What will have been spent if it goes on like this; from today on. */
  projected: (number | undefined)[];
  /** In a day, on average since the first of the month; none while it is too early to say. */
  perDay: number | undefined;
  atEnd: number | undefined;
  outlook: Outlook;
}

export type Outlook =
  | { kind: "unlimited" }
  /** Too little of the month is over for an estimate. */
  | { kind: "early" }
  /** Nothing is left. */
  | { kind: "out" }
  /** It will be used up on this day. */
  | { kind: "runs-out"; day: string }
  /** It lasts, with so much left at the end. */
  | { kind: "lasts"; left: number };

export function monthOf(now: number): { first: string; days: string[] } {
  const today = new Date(now);
  const first = dayOf(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1));
  const count = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 0)).getUTCDate();
  return { first, days: Array.from({ length: count }, (_, at) => addDays(first, at)) };
}

/** What was spent on each day, added up, with a straight line to the end of the month. */
export function burnOf(byDay: ReadonlyMap<string, number>, limit: number | undefined, now: number): Burn {
  const { first, days } = monthOf(now);
  const today = dayOf(now);
  let sum = 0;
  const spent = days.map((day) => {
    if (day > today) return undefined;
    sum += byDay.get(day) ?? 0;
    return sum;
  });
  const elapsed = (now - Date.parse(`${first}T00:00:00Z`)) / DAY_MS;
  if (elapsed < 1) {
    const outlook: Outlook =
      limit === undefined ? { kind: "unlimited" } : sum >= limit ? { kind: "out" } : { kind: "early" };
    return {
      days,
      spent,
      projected: days.map(() => undefined),
      perDay: undefined,
      atEnd: undefined,
      outlook,
    };
  }
  const perDay = sum / elapsed;
  const reached = (at: number) => sum + perDay * Math.max(0, at + 1 - elapsed);
  const projected = days.map((day, at) =>
    day < today ? undefined : day === today ? sum : Math.round(reached(at)),
  );
  const atEnd = Math.round(reached(days.length - 1));
  return { days, spent, projected, perDay, atEnd, outlook: outlookOf() };

  function outlookOf(): Outlook {
    if (limit === undefined) return { kind: "unlimited" };
    if (sum >= limit) return { kind: "out" };
    const day = days.find((it, at) => it >= today && reached(at) >= limit);
    return day ? { kind: "runs-out", day } : { kind: "lasts", left: limit - reached(days.length - 1) };
  }
}

/** Times as people say them. Pure; the clock is handed in. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long until or since something, in one or two units: `23 h 59 min`, `4 min 10 s`. */
export function span(milliseconds: number): string {
  const left = Math.max(0, Math.floor(milliseconds / SECOND) * SECOND);
  if (left >= DAY) return two(left, DAY, "d", HOUR, "h");
  if (left >= HOUR) return two(left, HOUR, "h", MINUTE, "min");
  if (left >= MINUTE) return two(left, MINUTE, "min", SECOND, "s");
  return `${left / SECOND} s`;
}

function two(value: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((value % big) / small);
  return `${Math.floor(value / big)} ${bigName}${rest > 0 ? ` ${rest} ${smallName}` : ""}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** When something was, as short as it can be said: `now`, `12 min`, `14:05`, `3 Mar`. */
export function ago(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return "";
  const since = now - then;
  if (since < MINUTE) return "now";
  if (since < HOUR) return `${Math.floor(since / MINUTE)} min`;
  const [a, b] = [new Date(then), new Date(now)];
  if (a.toDateString() === b.toDateString()) return clock.format(a);
  return a.getFullYear() === b.getFullYear() ? day.format(a) : year.format(a);
}

/** The same as a part of a sentence: `just now`, `12 min ago`, `at 14:05`, `on 3 Mar`. */
export function when(at: string, now: number): string {
  const since = now - Date.parse(at);
  if (Number.isNaN(since)) return "";
  if (since < MINUTE) return "just now";
  if (since < HOUR) return `${ago(at, now)} ago`;
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return `${isToday ? "at" : "on"} ${ago(at, now)}`;
}

/** The whole of it, for who points at it. */
export const exactly = (at: string) => (Number.isNaN(Date.parse(at)) ? "" : whole.format(new Date(at)));

/** Amounts as people read them: times, tokens, money, ids. Pure. */

/** A time that something took: `840 ms`, `3.2 s`, `1 min 4 s`, `2 h 3 min`, `4 d 2 h`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return "";
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${trim((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(seconds, 60, "min", "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return pair(minutes, 60, "h", "min");
  return pair(Math.round(minutes / 60), 24, "d", "h");
}

const trim = (text: string) => text.replace(/\.0$/, "");

function pair(amount: number, per: number, big: string, small: string): string {
  const rest = amount % per;
  const whole = `${Math.floor(amount / per)} ${big}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}

/** `950`, `12.3k`, `1.2M`. */
export function count(amount: number): string {
  if (amount < 1000) return String(amount);
  if (amount < 999_950) return `${trim((amount / 1000).toFixed(1))}k`;
  return `${trim((amount / 1_000_000).toFixed(1))}M`;
}

/** Millionths of a dollar: `$0.00`, `$0.0042`, `$1.25`. Small amounts keep two digits that mean something. */
export function dollars(micros: number): string {
  const amount = Math.abs(micros) / 1_000_000;
  const sign = micros < 0 ? "−" : "";
  if (amount === 0) return "$0";
  if (amount >= 0.1) return `${sign}$${amount.toFixed(2)}`;
  const digits = Math.min(6, 1 - Math.floor(Math.log10(amount)));
  return `${sign}$${amount.toFixed(digits)}`;
}

/** A share: `0%`, `<0.1%`, `3.4%`, `87%`. */
export function percent(share: number): string {
  const hundredths = share * 100;
  if (hundredths === 0) return "0%";
  if (Math.abs(hundredths) < 0.1) return "<0.1%";
  return `${Math.abs(hundredths) < 10 ? trim(hundredths.toFixed(1)) : Math.round(hundredths)}%`;
}

/** The end of an id, which tells it from its neighbours better than its beginning, a time, does. */
export function shortId(id: string): string {
  const kind = id.slice(0, id.indexOf("_") + 1);
  return id.length <= kind.length + 8 ? id : `${kind}…${id.slice(-6)}`;
}

/** The clock with thousandths, for things that are close together. */
export function clock(at: string): string {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return "";
  const time = then.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return `${time}.${String(then.getMilliseconds()).padStart(3, "0")}`;
}

/** Any JSON as text: strings as they are, the rest in lines. */
export function pretty(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

/** The server writes lower case without a stop, as programs do. */
export function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

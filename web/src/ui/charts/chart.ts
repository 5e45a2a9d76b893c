/** What charts have in common: their colours and their axes. Pure. */

/** Told apart in both themes, and by people who see fewer colours; a test computes it. See `tokens.css`. */
export const colours = [
  "var(--chart-1)",
  "var(--chart-2)",
  "var(--chart-3)",
  "var(--chart-4)",
  "var(--chart-5)",
  "var(--chart-6)",
] as const;
/** For everything that is drawn together. */
export const restColour = "var(--chart-rest)";
export const colourOf = (at: number | undefined) =>
  at === undefined ? restColour : (colours[at] ?? restColour);

/** A few round numbers from 0 to at least `max`. */
export function ticks(max: number, most = 5): number[] {
  if (!(max > 0)) return [0];
  const rough = max / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((it) => it * power >= rough) ?? 10) * power;
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

export const axisText = { fill: "var(--muted)", fontSize: 11 } as const;

/** Which of so many bars of one width is at a distance from the first one's begin; the nearest, beside all of them. */
export function barAt(distance: number, width: number, bars: number): number {
  const at = width > 0 ? Math.floor((distance / width) * bars) : 0;
  return Math.min(Math.max(at, 0), Math.max(bars - 1, 0));
}

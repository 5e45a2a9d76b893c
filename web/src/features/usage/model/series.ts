/** What was used, as what a chart and a table show of it. Pure. */
import { bucketOf, buckets, type Range, unitOf } from "./range";

export const DIMENSIONS = ["agent", "model", "user", "profile", "key", "project"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const METRICS = ["cost", "calls", "tokens", "failed"] as const;
export type Metric = (typeof METRICS)[number];

/** A row of `/v1/usage`, as far as it is read here. */
export interface Row {
  day?: string | null;
  model?: string | null;
  profile?: string | null;
  user_id?: string | null;
  key_id?: string | null;
  agent_id?: string | null;
  project_id?: string | null;
  calls: number;
  failed: number;
  unpriced: number;
  estimated: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost_usd_micros: number;
}

export interface Totals {
  calls: number;
  failed: number;
  unpriced: number;
  estimated: number;
  input: number;
  cached: number;
  output: number;
  cost: number;
}

export const nothing = (): Totals => ({
  calls: 0,
  failed: 0,
  unpriced: 0,
  estimated: 0,
  input: 0,
  cached: 0,
  output: 0,
  cost: 0,
});

export function add(to: Totals, row: Row): Totals {
  to.calls += row.calls;
  to.failed += row.failed;
  to.unpriced += row.unpriced;
  to.estimated += row.estimated;
  to.input += row.input_tokens;
  to.cached += row.cached_input_tokens;
  to.output += row.output_tokens;
  to.cost += row.cost_usd_micros;
  return to;
}

export const sum = (rows: readonly Row[]): Totals => rows.reduce(add, nothing());

export function measure(it: Totals, metric: Metric): number {
  switch (metric) {
    case "cost":
      return it.cost;
    case "calls":
      return it.calls;
    case "tokens":
      return it.input + it.output;
    case "failed":
      return it.failed;
  }
}

/** Calls without an answer, of all calls; none where there was no call. */
export const failureRate = (it: Pick<Totals, "calls" | "failed">): number | undefined =>
  it.calls === 0 ? undefined : it.failed / it.calls;

/** What a row belongs to; empty where there is nothing of the kind. */
export function idOf(row: Row, by: Dimension): string {
  switch (by) {
    case "agent":
      return row.agent_id ?? "";
    case "model":
      return row.model ?? "";
    case "user":
      return row.user_id ?? "";
    case "profile":
      return row.profile ?? "";
    case "key":
      return row.key_id ?? "";
    case "project":
      return row.project_id ?? "";
  }
}

export interface Group {
  id: string;
  totals: Totals;
  /** Which colour it has; none for those that are drawn together. */
  colour: number | undefined;
}

/** As many have colours that are told apart; the rest is drawn together. */
export const COLOURS = 6;

/** Groups by what is measured, the largest first. Colours go by cost, so that they stay when the metric changes. */
export function groupsOf(rows: readonly Row[], by: Dimension, metric: Metric): Group[] {
  const found = new Map<string, Totals>();
  for (const row of rows) {
    const id = idOf(row, by);
    found.set(id, add(found.get(id) ?? nothing(), row));
  }
  const all = [...found].map(([id, totals]) => ({ id, totals }));
  const weight = (it: Totals) => [it.cost, it.calls] as const;
  const coloured = all
    .toSorted((a, b) => {
      const [costA, callsA] = weight(a.totals);
      const [costB, callsB] = weight(b.totals);
      return costB - costA || callsB - callsA || a.id.localeCompare(b.id);
    })
    .map((it) => it.id);
  return all
    .map((it): Group => {
      const at = coloured.indexOf(it.id);
      return { ...it, colour: at < COLOURS ? at : undefined };
    })
    .toSorted((a, b) => measure(b.totals, metric) - measure(a.totals, metric) || a.id.localeCompare(b.id));
}

/** One bar: what of it belongs to which group. */
export interface Bar {
  first: string;
  totals: Totals;
  parts: Map<string, Totals>;
}

/** The bars of a range, those without anything too. */
export function barsOf(rows: readonly Row[], by: Dimension, range: Range): Bar[] {
  const unit = unitOf(range);
  const bars = new Map(
    buckets(range, unit).map((first): [string, Bar] => [
      first,
      { first, totals: nothing(), parts: new Map() },
    ]),
  );
  for (const row of rows) {
    const bar = row.day ? bars.get(bucketOf(row.day, unit)) : undefined;
    if (!bar) continue;
    const id = idOf(row, by);
    add(bar.totals, row);
    bar.parts.set(id, add(bar.parts.get(id) ?? nothing(), row));
  }
  return [...bars.values()];
}

/** How much more or less than before, as a share of what was before; none where nothing was. */
export const change = (now: number, then: number): number | undefined =>
  then === 0 ? undefined : (now - then) / then;

export const SORTS = ["name", "cost", "calls", "failed", "rate", "input", "output"] as const;
export type Sort = (typeof SORTS)[number];

/** The largest first; names from A. */
export function sorted(groups: readonly Group[], sort: Sort, nameOf: (id: string) => string): Group[] {
  const value = ({ totals }: Group): number => {
    switch (sort) {
      case "name":
        return 0;
      case "rate":
        return failureRate(totals) ?? -1;
      case "calls":
      case "failed":
      case "input":
      case "output":
      case "cost":
        return totals[sort];
    }
  };
  return groups.toSorted((a, b) => value(b) - value(a) || nameOf(a.id).localeCompare(nameOf(b.id)));
}

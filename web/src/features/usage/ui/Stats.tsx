import type { ReactNode } from "react";
import { count, dollars, percent } from "@/lib/format";
import { t } from "@/strings";
import { daysIn, type Range } from "../model/range";
import { change, failureRate, METRICS, type Metric, measure, type Totals } from "../model/series";

const s = t.usage.stats;

/** The sums of the whole time, beside those of as many days before. */
export function Stats({ now, then, range }: { now: Totals; then: Totals | undefined; range: Range }) {
  const note = (metric: Metric): ReactNode => {
    if (metric === "tokens" && now.cached > 0) return s.cached(percent(now.cached / now.input));
    if (metric === "failed" && now.failed > 0) return s.rate(percent(failureRate(now) ?? 0));
    return then && <Change now={measure(now, metric)} then={measure(then, metric)} days={daysIn(range)} />;
  };
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      {METRICS.map((metric) => (
        <div key={metric} className="rounded-lg border bg-surface px-4 py-3 shadow-sm">
          <dt className="text-xs text-muted">{s[metric]}</dt>
          <dd className="text-xl font-semibold tabular-nums">
            {metric === "cost" ? dollars(now.cost) : count(measure(now, metric))}
          </dd>
          <dd className="text-xs text-muted">{note(metric) || "\u00a0"}</dd>
        </div>
      ))}
    </dl>
  );
}

function Change({ now, then, days }: { now: number; then: number; days: number }) {
  const by = change(now, then);
  if (by === undefined) return now === 0 ? s.same : s.wasNothing;
  if (by === 0) return s.same;
  return `${by > 0 ? "+" : "−"}${percent(Math.abs(by))} ${s.before(days)}`;
}

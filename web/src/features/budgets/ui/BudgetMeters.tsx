import { cx } from "@/lib/cx";
import { dollars } from "@/lib/format";
import { t } from "@/strings";
import { Meter } from "@/ui/Meter";
import type { Budget } from "../api/budgets";
import { hasMonths, kindOf } from "../model/scope";

const s = t.budgets;

/** What was spent against what may be. */
export function BudgetMeters({ budget, className }: { budget: Budget; className?: string }) {
  const meters = hasMonths(kindOf(budget.scope))
    ? [
        { label: s.today, used: budget.spent_today_usd_micros, max: budget.daily_usd_micros },
        { label: s.month, used: budget.spent_usd_micros, max: budget.monthly_usd_micros },
      ]
    : [{ label: s.run, used: budget.spent_usd_micros, max: budget.per_run_usd_micros }];
  return (
    <div className={cx("grid gap-x-6 gap-y-2 sm:grid-cols-2", className)}>
      {meters.map(({ label, used, max }) => (
        <Meter
          key={label}
          label={label}
          used={used}
          max={max ?? undefined}
          text={s.spentText(dollars(used), dollars(max ?? 0))}
        >
          {typeof max === "number" ? s.of(dollars(used), dollars(max)) : `${dollars(used)}, ${s.noLimit}`}
        </Meter>
      ))}
    </div>
  );
}

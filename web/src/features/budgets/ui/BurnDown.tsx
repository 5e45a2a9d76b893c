import { useQuery } from "@tanstack/react-query";
import { usageQuery } from "@/features/usage/api/usage";
import { dayName, dayOf, shortDay } from "@/features/usage/model/range";
import { idOf } from "@/features/usage/model/series";
import { DaysTable } from "@/features/usage/ui/DaysTable";
import { dollars } from "@/lib/format";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { colours } from "@/ui/charts/chart";
import { Lines } from "@/ui/charts/lazy";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Skeleton } from "@/ui/Skeleton";
import { type Burn, burnOf, monthOf } from "../model/burn";
import { dimensionOf, kindOf } from "../model/scope";
import { useScopeName } from "./useScopeName";

const s = t.budgets.burn;

/** What was spent this month, day by day, and where that leads. */
export function BurnDown({ scope, limit }: { scope: string; limit: number | undefined }) {
  const now = useMinute();
  const nameOf = useScopeName();
  const by = dimensionOf(kindOf(scope));
  const range = { from: monthOf(now).first, to: dayOf(now) };
  const usage = useQuery(usageQuery(range, by === undefined || by === "all" ? ["day"] : ["day", by]));
  if (usage.isPending) return <Skeleton className="h-72" />;
  if (usage.isError) return <ErrorNotice error={usage.error} onRetry={() => void usage.refetch()} />;
  const byDay = new Map<string, number>();
  // Usage knows profiles by their names.
  const id = by === "profile" ? nameOf(scope) : scope;
  for (const row of usage.data) {
    if (!row.day || (by !== undefined && by !== "all" && idOf(row, by) !== id)) continue;
    byDay.set(row.day, (byDay.get(row.day) ?? 0) + row.cost_usd_micros);
  }
  const burn = burnOf(byDay, limit, now);
  const series = [
    { id: "spent", name: s.spent, colour: colours[0], values: burn.spent },
    { id: "projected", name: s.projected, colour: colours[0], dashed: true, values: burn.projected },
  ];
  return (
    <figure className="flex flex-col gap-3 rounded-lg border bg-surface p-3 shadow-sm md:p-4">
      <figcaption className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 className="text-sm font-semibold">{s.title}</h2>
        {burn.perDay !== undefined && (
          <span className="text-xs text-muted">{s.perDay(dollars(Math.round(burn.perDay)))}</span>
        )}
      </figcaption>
      <Lines
        label={s.title}
        places={burn.days.map((day) => ({ label: shortDay(day), title: dayName(day) }))}
        series={series}
        limits={limit === undefined ? [] : [{ id: "limit", name: s.limit(dollars(limit)), value: limit }]}
        format={dollars}
        tick={dollars}
        nothingName={s.nothing}
      />
      <Outlook burn={burn} />
      <DaysTable
        title={s.title}
        series={series}
        bars={burn.days.map((day, at) => ({
          title: dayName(day),
          values: [burn.spent[at], burn.projected[at]],
        }))}
        format={dollars}
      />
    </figure>
  );
}

function Outlook({ burn }: { burn: Burn }) {
  const { outlook, atEnd } = burn;
  const end = dollars(atEnd ?? 0);
  switch (outlook.kind) {
    case "unlimited":
      return <Notice>{atEnd === undefined ? s.unlimited : `${s.unlimited} ${s.atEnd(end)}`}</Notice>;
    case "early":
      return <Notice>{s.early}</Notice>;
    case "out":
      return <Notice tone="bad">{s.out}</Notice>;
    case "runs-out":
      return <Notice tone="warn">{s.runsOut(dayName(outlook.day))}</Notice>;
    case "lasts":
      return <Notice tone="ok">{s.lasts(end, dollars(Math.round(outlook.left)))}</Notice>;
  }
}

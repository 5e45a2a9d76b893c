import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PiggyBank } from "lucide-react";
import { useRef } from "react";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { count, dollars } from "@/lib/format";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeleton";
import { type Budget, budgetsQuery } from "../api/budgets";
import { hasMonths, kindOf, SCOPE_KINDS } from "../model/scope";
import { BudgetDialog } from "./BudgetDialog";
import { BudgetMeters } from "./BudgetMeters";
import { useScopeName } from "./useScopeName";

const s = t.budgets;

/** Whose budget is being made: anybody's, or the organisation's. */
export type Made = "any" | "org";

interface Props {
  making: Made | undefined;
  onMake(next: Made | undefined): void;
}

/** Every budget, the organisation's first. */
export function BudgetList({ making, onMake }: Props) {
  const budgets = useQuery(budgetsQuery);
  const may = useMay("admin");
  const nameOf = useScopeName();
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  const rank = (it: Budget) => SCOPE_KINDS.indexOf(kindOf(it.scope));
  const items = (budgets.data ?? []).toSorted(
    (a, b) => rank(a) - rank(b) || nameOf(a.scope).localeCompare(nameOf(b.scope)),
  );
  return (
    <div className="flex flex-col gap-4 p-4 md:p-6">
      {!may && <Notice>{s.readOnly}</Notice>}
      {budgets.isPending && <SkeletonRows rows={4} />}
      {budgets.isError && <ErrorNotice error={budgets.error} onRetry={() => void budgets.refetch()} />}
      {budgets.data?.length === 0 && (
        <Empty
          icon={PiggyBank}
          title={s.empty}
          action={
            may && (
              <>
                <Button look="primary" onClick={() => onMake("org")}>
                  {s.emptyAction}
                </Button>
                <Button onClick={() => onMake("any")}>{s.new}</Button>
              </>
            )
          }
        >
          {s.emptyDetail}
        </Empty>
      )}
      {items.length > 0 && (
        <ul ref={list} aria-label={s.list} className="overflow-hidden rounded-lg border bg-surface shadow-sm">
          {items.map((it) => (
            <Row key={it.scope} budget={it} name={nameOf(it.scope)} />
          ))}
        </ul>
      )}
      {making && (
        <BudgetDialog
          scope={making === "org" ? "org" : undefined}
          taken={items.map((it) => it.scope)}
          onClose={() => onMake(undefined)}
        />
      )}
    </div>
  );
}

function Row({ budget, name }: { budget: Budget; name: string }) {
  const kind = kindOf(budget.scope);
  const {
    per_run_usd_micros: perRun,
    requests_per_minute: requests,
    tokens_per_minute: tokens,
    models,
  } = budget;
  const others = [
    hasMonths(kind) && typeof perRun === "number" ? s.perRun(dollars(perRun)) : "",
    typeof requests === "number" ? s.requests(count(requests)) : "",
    typeof tokens === "number" ? s.tokens(count(tokens)) : "",
    models ? s.models(models.length) : "",
  ].filter((it) => it !== "");
  return (
    <li className="border-b last:border-0">
      <Link
        to="/budgets/$scope"
        params={{ scope: budget.scope }}
        data-row={budget.scope}
        className="flex flex-col gap-x-6 gap-y-2 px-4 py-3 outline-offset-[-2px] hover:bg-hover/60 lg:flex-row lg:items-center"
      >
        <span className="flex min-w-0 flex-col gap-0.5 lg:w-72 lg:shrink-0">
          <span className="flex min-w-0 items-center gap-2 text-sm font-medium">
            <span className="truncate">{name}</span>
            <Badge>{s.kinds[kind]}</Badge>
          </span>
          {others.length > 0 && <span className="text-xs text-muted">{others.join(" · ")}</span>}
        </span>
        <BudgetMeters budget={budget} className="min-w-0 flex-1" />
      </Link>
    </li>
  );
}

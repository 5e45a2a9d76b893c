import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChartColumnStacked, PiggyBank } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/useAuth";
import { onlyOf, type UsageSearch } from "@/features/usage/model/search";
import { count, dollars } from "@/lib/format";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Locked } from "@/ui/Locked";
import { Notice } from "@/ui/Notice";
import { Fact, PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Budget, budgetQuery, useDeleteBudget } from "../api/budgets";
import { dimensionOf, hasMonths, kindOf } from "../model/scope";
import { BudgetDialog } from "./BudgetDialog";
import { BudgetMeters } from "./BudgetMeters";
import { BurnDown } from "./BurnDown";
import { useScopeName } from "./useScopeName";

const s = t.budgets.page;

export function BudgetPage() {
  const { scope } = useParams({ from: "/signed-in/shell/budgets/$scope" });
  const mayRead = useMay("member");
  if (mayRead) return <OneBudget scope={scope} />;
  return (
    <>
      <PageHeader
        above={<BackLink to="/budgets">{s.back}</BackLink>}
        title={t.budgets.title}
        detail={t.budgets.detail}
      />
      <Locked title={t.budgets.locked}>{t.budgets.lockedDetail}</Locked>
    </>
  );
}

function OneBudget({ scope }: { scope: string }) {
  const budget = useQuery(budgetQuery(scope));
  const name = useScopeName()(scope);
  const may = useMay("admin");
  const [dialog, setDialog] = useState<"edit" | "remove">();
  const kind = kindOf(scope);
  return (
    <>
      <PageTitle title={name} />
      <PageHeader
        above={<BackLink to="/budgets">{s.back}</BackLink>}
        title={
          <span className="flex flex-wrap items-center gap-2">
            {name}
            <Badge>{t.budgets.kinds[kind]}</Badge>
          </span>
        }
        actions={
          <>
            <UsageLink scope={scope} name={name} />
            {may && budget.data && (
              <>
                <Button onClick={() => setDialog("edit")}>{s.edit}</Button>
                <Button look="danger" onClick={() => setDialog("remove")}>
                  {s.remove}
                </Button>
              </>
            )}
          </>
        }
      />
      <div className="flex max-w-5xl flex-col gap-6 p-4 md:p-6">
        {!may && <Notice>{t.budgets.readOnly}</Notice>}
        {budget.isPending && <SkeletonRows rows={4} />}
        {budget.isError && <ErrorNotice error={budget.error} onRetry={() => void budget.refetch()} />}
        {budget.data === null && (
          <Empty
            icon={PiggyBank}
            title={s.none(name)}
            action={
              may && (
                <Button look="primary" onClick={() => setDialog("edit")}>
                  {s.set}
                </Button>
              )
            }
          >
            {s.noneDetail}
          </Empty>
        )}
        {budget.data && <Standing budget={budget.data} />}
      </div>
      {dialog === "edit" && (
        <BudgetDialog budget={budget.data ?? undefined} scope={scope} onClose={() => setDialog(undefined)} />
      )}
      {dialog === "remove" && <Removal scope={scope} name={name} onClose={() => setDialog(undefined)} />}
    </>
  );
}

function Standing({ budget }: { budget: Budget }) {
  const money = (value: number | null | undefined) =>
    typeof value === "number" ? dollars(value) : s.unlimited;
  const amount = (value: number | null | undefined) =>
    typeof value === "number" ? count(value) : s.unlimited;
  const isMonthly = hasMonths(kindOf(budget.scope));
  return (
    <>
      <BudgetMeters budget={budget} />
      {isMonthly && <BurnDown scope={budget.scope} limit={budget.monthly_usd_micros ?? undefined} />}
      <Section as="h2" title={s.limits}>
        <dl className="grid grid-cols-2 gap-4 rounded-lg border bg-surface p-4 shadow-sm sm:grid-cols-3">
          {isMonthly && (
            <>
              <Fact name={s.daily}>{money(budget.daily_usd_micros)}</Fact>
              <Fact name={s.monthly}>{money(budget.monthly_usd_micros)}</Fact>
            </>
          )}
          <Fact name={s.perRun}>{money(budget.per_run_usd_micros)}</Fact>
          <Fact name={s.requests}>{amount(budget.requests_per_minute)}</Fact>
          <Fact name={s.tokens}>{amount(budget.tokens_per_minute)}</Fact>
          <Fact name={s.changed}>
            <Time at={budget.updated_at} />
          </Fact>
          <div className="col-span-full">
            <dt className="text-xs text-muted">{s.models}</dt>
            <dd className="flex flex-wrap gap-1.5 pt-1 text-sm">
              {!budget.models && s.everyModel}
              {budget.models?.length === 0 && s.noModel}
              {budget.models?.map((it) => (
                <code key={it} className="rounded-md border bg-sunken px-1.5 py-0.5 font-mono text-xs">
                  {it}
                </code>
              ))}
            </dd>
          </div>
        </dl>
      </Section>
    </>
  );
}

/** The usage of this scope alone, this month. */
function UsageLink({ scope, name }: { scope: string; name: string }) {
  const by = dimensionOf(kindOf(scope));
  if (by === undefined) return null;
  const only = by === "profile" ? name : scope;
  const search: UsageSearch =
    by === "all"
      ? { range: "month" }
      : { range: "month", ...(by === "agent" ? {} : { by }), only: onlyOf(only) };
  return (
    <Link to="/usage" search={search} className={buttonClass({ look: "ghost" })}>
      <ChartColumnStacked aria-hidden />
      {s.usage}
    </Link>
  );
}

function Removal({ scope, name, onClose }: { scope: string; name: string; onClose(): void }) {
  const remove = useDeleteBudget();
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      title={s.removeTitle(name)}
      detail={s.removeDetail}
      confirm={s.remove}
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(scope, {
          onSuccess: () => {
            toast({ title: s.removed(name) });
            void navigate({ to: "/budgets" });
          },
        })
      }
    />
  );
}

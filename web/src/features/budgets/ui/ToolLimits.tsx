import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schema } from "@/api/client";
import { useMay } from "@/app/useAuth";
import { bytes } from "@/lib/bytes";
import { count } from "@/lib/format";
import { span } from "@/lib/time";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Meter } from "@/ui/Meter";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { SkeletonRows } from "@/ui/Skeleton";
import { limitsQuery } from "../api/budgets";
import { isToolLimit, type ToolLimit, unitOf } from "../model/limits";
import { LimitsDialog } from "./LimitsDialog";

const s = t.limits;

export const amountOf = (limit: ToolLimit) => (unitOf(limit) === "bytes" ? bytes : count);

/** What the plan and the organisation itself allow agents to do with tools, and how much of it is used. */
export function ToolLimits() {
  const limits = useQuery(limitsQuery);
  const may = useMay("admin");
  const [isEditing, setEditing] = useState(false);
  const { data } = limits;
  const isFree =
    data?.items.every((it) => typeof it.max !== "number") &&
    !data.hosts.own_allowed &&
    !data.hosts.plan_allowed &&
    data.hosts.own_denied.length + data.hosts.plan_denied.length === 0;
  return (
    <div className="flex max-w-5xl flex-col gap-5 p-4 md:p-6">
      {!may && <Notice>{t.budgets.readOnly}</Notice>}
      {limits.isPending && <SkeletonRows rows={6} />}
      {limits.isError && <ErrorNotice error={limits.error} onRetry={() => void limits.refetch()} />}
      {data && (
        <>
          <div className="flex flex-wrap items-start justify-between gap-3">
            <div>
              <p className="flex items-center gap-2 text-sm">
                {s.plan} <Badge tone="accent">{data.plan}</Badge>
              </p>
              <p className="text-xs text-muted">{s.planDetail}</p>
            </div>
            {may && (
              <Button look={isFree ? "primary" : "secondary"} onClick={() => setEditing(true)}>
                {s.edit}
              </Button>
            )}
          </div>
          {isFree && <Notice>{s.unlimited}</Notice>}
          <Section as="h2" title={s.list}>
            <ul aria-label={s.list} className="overflow-hidden rounded-lg border bg-surface shadow-sm">
              {data.items.map(
                (it) => isToolLimit(it.limit) && <LimitRow key={it.limit} name={it.limit} it={it} />,
              )}
            </ul>
          </Section>
          <Hosts hosts={data.hosts} />
        </>
      )}
      {isEditing && data && <LimitsDialog limits={data} onClose={() => setEditing(false)} />}
    </div>
  );
}

function LimitRow({ name, it }: { name: ToolLimit; it: Schema<"LimitView"> }) {
  const now = useMinute();
  const amount = amountOf(name);
  const max = it.max ?? undefined;
  const used = it.used ?? undefined;
  const sides = [
    typeof it.plan_max === "number" ? s.fromPlan(amount(it.plan_max)) : s.noPlan,
    typeof it.own_max === "number" ? s.own(amount(it.own_max)) : "",
    it.resets_at && max !== undefined ? s.resets(span(Date.parse(it.resets_at) - now)) : "",
  ].filter((text) => text !== "");
  return (
    <li className="flex flex-col gap-1 border-b px-4 py-3 last:border-0">
      <Meter
        label={s.names[name]}
        used={used ?? 0}
        max={used === undefined ? undefined : max}
        text={s.usedText(amount(used ?? 0), amount(max ?? 0))}
      >
        {max === undefined
          ? s.notCounted
          : used === undefined
            ? s.max(amount(max))
            : s.of(amount(used), amount(max))}
      </Meter>
      <p className="text-xs text-muted">{sides.join(" · ")}</p>
    </li>
  );
}

function Hosts({ hosts }: { hosts: Schema<"HostsView"> }) {
  const lists = [
    { name: s.allowed, by: s.byPlan, list: hosts.plan_allowed },
    { name: s.allowed, by: s.byOwn, list: hosts.own_allowed },
    { name: s.denied, by: s.byPlan, list: hosts.plan_denied.length > 0 ? hosts.plan_denied : null },
    { name: s.denied, by: s.byOwn, list: hosts.own_denied.length > 0 ? hosts.own_denied : null },
  ].filter((it) => it.list);
  return (
    <Section as="h2" title={s.hosts}>
      <div className="flex flex-col gap-3 rounded-lg border bg-surface px-4 py-3 text-sm shadow-sm">
        {!hosts.plan_allowed && !hosts.own_allowed && <p>{s.everyHost}</p>}
        {lists.map(({ name, by, list }) => (
          <div key={`${name} ${by}`}>
            <p className="text-xs text-muted">
              {name}, {by}
            </p>
            <ul aria-label={`${name}, ${by}`} className="flex flex-wrap gap-1.5 pt-1">
              {list?.map((host) => (
                <li key={host} className="rounded-md border bg-sunken px-1.5 py-0.5 font-mono text-xs">
                  {host}
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </Section>
  );
}

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useMay } from "@/app/useAuth";
import { runsQuery } from "@/features/runs/api/runs";
import { useRunTitles } from "@/features/runs/api/titles";
import { Took } from "@/features/runs/ui/RunRow";
import { StateBadge } from "@/features/runs/ui/StateBadge";
import { skillsQuery } from "@/features/skills/api/skills";
import { toolsQuery } from "@/features/tools/api/tools";
import { dollars } from "@/lib/format";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Code, CopyButton } from "@/ui/Code";
import { Fetched } from "@/ui/Fetched";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { type Agent, budgetsQuery } from "../api/agents";
import { useProfiles } from "../api/profiles";

const s = t.agents.overview;
const RECENT = 8;

export function Overview({ agent }: { agent: Agent }) {
  return (
    <div className="grid gap-x-10 gap-y-8 p-4 md:p-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
      <div className="flex min-w-0 flex-col gap-8">
        <Section as="h2" title={s.instructions}>
          {agent.instructions === "" ? (
            <p className="text-sm text-muted">{s.noInstructions}</p>
          ) : (
            <Code text={agent.instructions} label={s.instructions} />
          )}
        </Section>
        <Tools agent={agent} />
        {agent.output_schema && (
          <Section as="h2" title={s.schema}>
            <Code text={JSON.stringify(agent.output_schema, null, 2)} label={s.schema} />
          </Section>
        )}
        <Recent agent={agent} />
      </div>
      <div className="flex min-w-0 flex-col gap-7 lg:border-l lg:pl-8">
        <Section as="h2" title={s.plans}>
          <Plans agent={agent} />
        </Section>
        <Section as="h2" title={s.limits}>
          <dl className="flex flex-col gap-1.5 text-sm">
            <Line name={s.steps}>{agent.max_steps}</Line>
            <Line name={s.budget}>
              {typeof agent.budget_usd_micros === "number" ? dollars(agent.budget_usd_micros) : s.noBudget}
            </Line>
            <Line name={s.workspace}>
              <code className="font-mono text-xs">{agent.workspace}</code>
            </Line>
          </dl>
        </Section>
        <Budget agent={agent} />
        <Skills agent={agent} />
        {agent.labels.length > 0 && (
          <Section as="h2" title={s.labels}>
            <p className="flex flex-wrap gap-1.5">
              {agent.labels.map((it) => (
                <Badge key={it} className="max-w-full">
                  <span className="truncate">{it}</span>
                </Badge>
              ))}
            </p>
          </Section>
        )}
        <Section as="h2" title={s.id}>
          <p className="flex items-center gap-1">
            <code className="min-w-0 truncate font-mono text-xs text-muted">{agent.id}</code>
            <CopyButton text={agent.id} />
          </p>
        </Section>
      </div>
    </div>
  );
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 truncate tabular-nums">{children}</dd>
    </div>
  );
}

function Plans({ agent }: { agent: Agent }) {
  const { names } = useProfiles();
  return (
    <dl className="flex flex-col gap-1.5 text-sm">
      <Line name={t.agents.form.planner}>
        {agent.planner === "rules" ? t.agents.form.plannerRules : t.agents.form.plannerModel}
      </Line>
      {agent.planner === "model" && (
        <Line name={s.model}>
          {agent.model_profile_id
            ? (names.get(agent.model_profile_id) ?? t.agents.someProfile)
            : t.agents.form.profileDefault}
        </Line>
      )}
      <Line name={t.agents.form.engine}>{t.agents.form.engines[agent.engine] ?? agent.engine}</Line>
    </dl>
  );
}

/** The tools that it may ask for, with what each does to the world. */
function Tools({ agent }: { agent: Agent }) {
  const known = new Map(useQuery(toolsQuery).data?.map((it) => [it.name, it]));
  return (
    <Section as="h2" title={s.can}>
      <p className="text-sm text-muted">{agent.tools.length === 0 ? s.noTools : s.canDetail}</p>
      {agent.tools.length > 0 && (
        <ul aria-label={s.can} className="grid gap-x-6 sm:grid-cols-2">
          {agent.tools.map((name) => (
            <li key={name} className="min-w-0 border-b">
              <Link
                to="/tools/$name"
                params={{ name }}
                className="-mx-1.5 flex min-w-0 flex-col rounded-md px-1.5 py-1.5 hover:bg-hover/60"
              >
                <code className="truncate font-mono text-xs font-medium">{name}</code>
                <span className="line-clamp-2 text-xs text-muted" title={known.get(name)?.description}>
                  {known.get(name)?.description}
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Skills({ agent }: { agent: Agent }) {
  const count = useQuery(skillsQuery).data?.length ?? 0;
  const has = agent.tools.some((it) => it === "skill.run" || it === "skill.read");
  return (
    <Section as="h2" title={s.skills}>
      <p className="text-sm text-muted">{has ? s.skillsAll(count) : s.skillsNone}</p>
      {has && (
        <Link
          to="/skills"
          className="w-fit rounded-sm text-sm font-medium text-accent-text underline-offset-2 hover:underline"
        >
          {t.skills.title}
        </Link>
      )}
    </Section>
  );
}

function Budget({ agent }: { agent: Agent }) {
  const budgets = useQuery({ ...budgetsQuery, enabled: useMay("member") });
  const own = budgets.data?.find((it) => it.scope === agent.id);
  if (!budgets.data) return null;
  const parts = own
    ? ([
        [s.daily, own.daily_usd_micros],
        [s.monthly, own.monthly_usd_micros],
        [s.perRun, own.per_run_usd_micros],
      ] as const)
    : [];
  return (
    <Section as="h2" title={s.budgetScope}>
      {own ? (
        <p className="text-sm">
          {parts
            .filter(([, micros]) => typeof micros === "number")
            .map(([name, micros]) => `${dollars(micros ?? 0)} ${name}`)
            .join(", ")}{" "}
          <span className="text-muted">
            {s.spent(dollars(own.spent_today_usd_micros), dollars(own.spent_usd_micros))}
          </span>
        </p>
      ) : (
        <p className="text-sm text-muted">{s.budgetNone}</p>
      )}
      <Link
        to="/budgets"
        className="w-fit rounded-sm text-sm font-medium text-accent-text underline-offset-2 hover:underline"
      >
        {t.budgets.title}
      </Link>
    </Section>
  );
}

function Recent({ agent }: { agent: Agent }) {
  const runs = useInfiniteQuery(runsQuery({ agent: agent.id }));
  const titles = useRunTitles();
  const items = runs.data?.pages[0]?.items.slice(0, RECENT) ?? [];
  return (
    <Section as="h2" title={s.recent}>
      <Fetched query={{ ...runs, data: runs.data && items }} rows={2}>
        {() =>
          items.length === 0 ? (
            <p className="text-sm text-muted">
              {s.noRuns}{" "}
              <Link
                to="/agents/$agentId"
                params={{ agentId: agent.id }}
                search={{ tab: "try" }}
                className="font-medium text-accent-text underline-offset-2 hover:underline"
              >
                {s.tryIt}
              </Link>
            </p>
          ) : (
            <ul aria-label={s.recent}>
              {items.map((run) => (
                <li key={run.id} className="border-b">
                  <Link
                    to="/runs/$runId"
                    params={{ runId: run.id }}
                    className="-mx-1.5 flex items-center gap-3 rounded-md px-1.5 py-2 hover:bg-hover/60"
                  >
                    <span className="min-w-0 flex-1 truncate text-sm">{titles(run)}</span>
                    <StateBadge run={run} />
                    <span className="hidden w-16 text-right text-xs text-muted tabular-nums sm:block">
                      <Took run={run} />
                    </span>
                    <Time at={run.created_at} className="w-14 text-right text-xs text-muted" />
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Fetched>
    </Section>
  );
}

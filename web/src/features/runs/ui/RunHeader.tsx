import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import type { ReactNode } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { count, dollars } from "@/lib/format";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { CopyButton } from "@/ui/Code";
import { Fact, PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Skeleton } from "@/ui/Skeleton";
import { childrenQuery, type Run, type Step, sessionTitleQuery } from "../api/runs";
import { isOpen, titleOf } from "../model/run";
import { totalsOf } from "../model/step";
import { Took } from "./RunRow";
import { StateBadge } from "./StateBadge";

const s = t.runs.run;

/** What a run is, how it stands, and what it took. */
export function RunHeader({
  run,
  steps,
  actions,
}: {
  run: Run;
  steps: readonly Step[] | undefined;
  actions?: ReactNode;
}) {
  const directory = useDirectory();
  const title = useQuery({ ...sessionTitleQuery(run.session_id ?? ""), enabled: Boolean(run.session_id) });
  const totals = steps && totalsOf(steps);
  const name = titleOf(run, title.data);
  return (
    <PageHeader
      above={<BackTo to="/runs" name={s.back} />}
      title={
        <span className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
          <span className="min-w-0">{name}</span>
          <PageTitle title={name} />
          <StateBadge run={run} />
        </span>
      }
      detail={
        <span className="flex items-center gap-1">
          <span className="min-w-0 truncate font-mono text-xs">{run.id}</span>
          <CopyButton text={run.id} />
        </span>
      }
      actions={actions}
    >
      <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:flex sm:flex-wrap sm:gap-x-10">
        {run.agent_id && (
          <Fact name={t.runs.columns.agent}>
            {directory.name(run.agent_id)}
            {run.agent_version && <span className="text-muted"> {s.version(run.agent_version)}</span>}
          </Fact>
        )}
        <Fact name={s.began}>{exactly(run.started_at ?? run.created_at)}</Fact>
        <Fact name={isOpen(run) ? s.soFar : s.took}>
          <Took run={run} />
        </Fact>
        <Fact name={s.steps}>{steps ? steps.length : <Skeleton className="h-5 w-8" />}</Fact>
        {totals && totals.calls > 0 && (
          <>
            <Fact name={s.tokens}>{t.runs.step.inOut(count(totals.input), count(totals.output))}</Fact>
            <Fact name={s.cost}>
              {totals.unpriced === totals.calls ? s.unpriced : dollars(totals.micros)}
            </Fact>
          </>
        )}
        <Fact name={s.workspace}>{run.workspace}</Fact>
      </dl>
      <Family run={run} />
    </PageHeader>
  );
}

export function BackTo({ to, name }: { to: "/runs"; name: string }) {
  return (
    <Link
      to={to}
      className="-ml-1 flex w-fit items-center gap-0.5 rounded-md text-sm text-muted hover:text-text"
    >
      <ChevronLeft aria-hidden className="size-4" /> {name}
    </Link>
  );
}

/** The run that started it, and those that it started. */
function Family({ run }: { run: Run }) {
  const children = useQuery(childrenQuery(run.id)).data?.items ?? [];
  const directory = useDirectory();
  if (!run.parent_run_id && children.length === 0) return null;
  const link = "rounded-sm font-medium text-accent-text underline-offset-2 hover:underline";
  return (
    <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
      {run.parent_run_id && (
        <Link to="/runs/$runId" params={{ runId: run.parent_run_id }} className={link}>
          {s.parent}
        </Link>
      )}
      {children.length > 0 && <span>{s.children}:</span>}
      {children.map((child) => (
        <Link key={child.id} to="/runs/$runId" params={{ runId: child.id }} className={link}>
          {child.agent_id ? directory.name(child.agent_id) : t.runs.kinds[child.kind]}
        </Link>
      ))}
    </p>
  );
}

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { isCode } from "@/api/problem";
import { targetName } from "@/features/approvals/model/show";
import { useDirectory } from "@/features/directory/api/directory";
import { clock, shortId } from "@/lib/format";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { type Step, stepQuery } from "../api/runs";
import type { Row } from "../model/timeline";
import { StepSign } from "./StateBadge";
import { DecisionSection, InputSection, OutputSection } from "./StepSections";

const s = t.runs.step;
const text = (value: unknown) => (typeof value === "string" ? value : undefined);

/** Everything about one step, in the order in which it happened. */
export function StepPanel({ runId, row }: { runId: string; row: Row }) {
  const step = useQuery(stepQuery(runId, row.step));
  const capability = row.events.findLast((it) => it.kind === "capability.issued")?.data;
  const reads = row.reads ? s.reads[row.reads] : undefined;
  return (
    <div className="flex flex-col gap-5">
      <p className="flex min-w-0 flex-wrap items-center gap-2 text-sm">
        <StepSign state={row.state} />
        <span className="font-medium">{s.states[row.state]}</span>
        {targetName(row.target) && <span className="min-w-0 text-muted">{targetName(row.target)}</span>}
        {reads && <Badge>{reads}</Badge>}
      </p>
      <DecisionSection value={step.data?.decision ?? lastDecision(row)} />
      <ApprovalSection row={row} />
      {capability && <CapabilitySection data={capability} step={step.data} />}
      {step.isPending && <Skeleton className="h-24 w-full" />}
      {step.isError &&
        (isCode(step.error, "ERASED") || isCode(step.error, "CONTENT_ERASED") ? (
          <Notice title={t.runs.run.erased}>{t.runs.run.erasedDetail}</Notice>
        ) : (
          <ErrorNotice error={step.error} onRetry={() => void step.refetch()} />
        ))}
      {step.data && <InputSection step={step.data} />}
      {step.data && <OutputSection step={step.data} />}
      <RecordSection row={row} />
    </div>
  );
}

const lastDecision = (row: Row) => row.events.findLast((it) => it.kind === "policy.decided")?.data;

function ApprovalSection({ row }: { row: Row }) {
  const directory = useDirectory();
  const asked = row.events.findLast((it) => it.kind === "approval.requested");
  if (!asked) return null;
  const answer = row.events.findLast((it) => /^approval\.(granted|denied|expired)$/.test(it.kind));
  const by = directory.name(answer?.actor.user);
  const scope = text(answer?.data.scope) ?? "once";
  const said = {
    "approval.granted": s.approved(by, s.approvalScopes[scope] ?? scope),
    "approval.denied": s.denied(by),
    "approval.expired": s.expired,
  }[answer?.kind ?? ""];
  const until = text(asked.data.expires_at);
  return (
    <Section title={s.approval}>
      <p className="text-sm">{said ?? s.pending}</p>
      <p className="text-xs text-muted">
        {answer ? exactly(answer.at) : until && s.until(exactly(until))}
        {asked.data.four_eyes === true && <> · {s.fourEyes}</>}
      </p>
    </Section>
  );
}

function CapabilitySection({ data, step }: { data: Record<string, unknown>; step: Step | undefined }) {
  const node = text(data.node);
  const expires = text(data.expires_at);
  return (
    <Section title={s.capability}>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm">
        <dt className="text-muted">{s.executor}</dt>
        <dd className="truncate">
          {node ? <span className="font-mono text-xs">{shortId(node)}</span> : s.broker}
          {step && step.attempts > 1 && <> · {s.attempts(step.attempts)}</>}
        </dd>
        {expires && (
          <>
            <dt className="text-muted">{s.expires}</dt>
            <dd className="tabular-nums">{clock(expires)}</dd>
          </>
        )}
      </dl>
      <p className="text-xs text-muted">{s.capabilityDetail}</p>
    </Section>
  );
}

function RecordSection({ row }: { row: Row }) {
  if (row.events.length === 0) return null;
  return (
    <Section title={s.record}>
      <ol className="flex flex-col">
        {row.events.map((event) => (
          <li key={event.seq}>
            <Link
              to="/record/$seq"
              params={{ seq: String(event.seq) }}
              className="-mx-1.5 flex items-baseline gap-3 rounded-md px-1.5 py-1 text-xs hover:bg-hover"
            >
              <span className="w-10 shrink-0 text-right text-muted tabular-nums">{event.seq}</span>
              <span className="min-w-0 flex-1 truncate font-mono">{event.kind}</span>
              <span className="text-muted tabular-nums">{clock(event.at)}</span>
            </Link>
          </li>
        ))}
      </ol>
    </Section>
  );
}

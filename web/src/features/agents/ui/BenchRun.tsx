import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { GitCompareArrows, History, LoaderCircle, MessagesSquare, Waypoints } from "lucide-react";
import { useChatStream } from "@/features/chats/model/useChatStream";
import { type Run, runQuery, type Step, stepsQuery } from "@/features/runs/api/runs";
import { failureOf, isOpen } from "@/features/runs/model/run";
import { totalsOf, worthShowing } from "@/features/runs/model/step";
import { Took } from "@/features/runs/ui/RunRow";
import { StateBadge } from "@/features/runs/ui/StateBadge";
import { StepCard } from "@/features/runs/ui/StepCard";
import { count, dollars, pretty } from "@/lib/format";
import { t } from "@/strings";
import { buttonClass } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Fetched } from "@/ui/Fetched";
import { Markdown } from "@/ui/Markdown";
import { Notice } from "@/ui/Notice";
import { Fact } from "@/ui/Page";
import { Said } from "@/ui/Said";
import { Section } from "@/ui/Section";
import { rivalOf, type Try } from "../model/tries";

const s = t.agents.bench;

/** One try: its steps as they happen, what it says, and what it took. */
export function BenchRun({ runId, tries }: { runId: string; tries: readonly Try[] }) {
  const run = useQuery(runQuery(runId));
  const steps = useQuery(stepsQuery(runId));
  return (
    <Fetched query={run}>
      {(it) => (
        <article aria-label={s.answer} className="flex min-w-0 flex-col gap-5 overflow-x-clip border-t pt-5">
          <Facts run={it} steps={steps.data} />
          {steps.isError && <ErrorNotice error={steps.error} onRetry={() => void steps.refetch()} />}
          <div className="flex flex-col gap-2">
            {(steps.data ?? []).filter(worthShowing).map((step) => (
              <StepCard key={step.step} step={step} />
            ))}
          </div>
          {isOpen(it) ? <Underway run={it} /> : <Ended run={it} />}
          <Links run={it} tries={tries} />
        </article>
      )}
    </Fetched>
  );
}

function Facts({ run, steps }: { run: Run; steps: readonly Step[] | undefined }) {
  const totals = totalsOf(steps ?? []);
  return (
    <dl className="flex flex-wrap items-end gap-x-8 gap-y-3">
      <Fact name={t.runs.columns.state}>
        <StateBadge run={run} />
      </Fact>
      {run.agent_version && <Fact name={s.version}>{run.agent_version}</Fact>}
      <Fact name={s.took}>
        <Took run={run} />
      </Fact>
      <Fact name={s.steps}>{steps?.length ?? "…"}</Fact>
      {totals.calls > 0 && (
        <Fact name={s.tokens}>{t.runs.step.inOut(count(totals.input), count(totals.output))}</Fact>
      )}
      <Fact name={s.cost}>
        {totals.calls === 0
          ? s.free
          : totals.unpriced === totals.calls
            ? t.runs.run.unpriced
            : dollars(totals.micros)}
      </Fact>
    </dl>
  );
}

function Underway({ run }: { run: Run }) {
  return (
    <>
      <p role="status" className="flex items-center gap-2 text-sm text-muted">
        <LoaderCircle aria-hidden className="size-4 animate-spin" />
        {run.waiting_for === "approval" ? s.waits : s.working}
      </p>
      {run.session_id && <Words sessionId={run.session_id} runId={run.id} />}
    </>
  );
}

/** What it is writing at this moment. */
function Words({ sessionId, runId }: { sessionId: string; runId: string }) {
  const live = useChatStream(sessionId);
  const text = live.writing.find((it) => it.runId === runId)?.text;
  return text ? <Markdown text={text} /> : null;
}

function Ended({ run }: { run: Run }) {
  const failure = failureOf(run);
  if (failure) {
    return (
      <Notice tone="bad" title={failure.code || s.failed}>
        <Said text={failure.message} />
      </Notice>
    );
  }
  const { answer, output } = run;
  return (
    <>
      {typeof answer === "string" && answer !== "" && (
        <Section as="h2" title={s.answer}>
          <Markdown text={answer} />
        </Section>
      )}
      {output !== undefined && output !== null && (
        <Section as="h2" title={s.structured}>
          <Code text={pretty(output)} label={s.structured} />
        </Section>
      )}
      {typeof answer === "object" && answer !== null && (output === undefined || output === null) && (
        <Code text={pretty(answer)} label={s.answer} />
      )}
    </>
  );
}

function Links({ run, tries }: { run: Run; tries: readonly Try[] }) {
  const one = tries.find((it) => it.run === run.id);
  const rival = one && rivalOf(one, tries);
  return (
    <div className="flex flex-wrap gap-2">
      <Link to="/runs/$runId" params={{ runId: run.id }} className={buttonClass()}>
        <Waypoints aria-hidden /> {s.openRun}
      </Link>
      {run.session_id && (
        <Link to="/chats/$sessionId" params={{ sessionId: run.session_id }} className={buttonClass()}>
          <MessagesSquare aria-hidden /> {s.openChat}
        </Link>
      )}
      {rival && !isOpen(run) && (
        <Link to="/runs/compare" search={{ a: rival.run, b: run.id }} className={buttonClass()}>
          <GitCompareArrows aria-hidden />
          {rival.version === one.version ? s.compareSame : s.compare(rival.version)}
        </Link>
      )}
      {!isOpen(run) && (
        <Link
          to="/runs/$runId/replay"
          params={{ runId: run.id }}
          search={{ mode: "model" }}
          className={buttonClass()}
        >
          <History aria-hidden /> {s.otherWay}
        </Link>
      )}
    </div>
  );
}

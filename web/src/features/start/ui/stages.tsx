/** The stages of the first steps, each with what it does. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { LoaderCircle } from "lucide-react";
import type { Schema } from "@/api/client";
import { useMay } from "@/app/useAuth";
import { useServerVerify } from "@/features/record/api/record";
import { type Run, stepsQuery, useReplay } from "@/features/runs/api/runs";
import { type ReplayReport as Report, reportOf } from "@/features/runs/model/replay";
import { isOpen } from "@/features/runs/model/run";
import { worthShowing } from "@/features/runs/model/step";
import { VerdictBadge } from "@/features/runs/ui/StateBadge";
import { StepCard } from "@/features/runs/ui/StepCard";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Said } from "@/ui/Said";
import { stricter, useAsk, useSetUp } from "../api/start";

const s = t.start;

export function AgentStage({ agent }: { agent: Schema<"AgentView"> | undefined }) {
  const setUp = useSetUp();
  const isAdmin = useMay("admin");
  if (agent) return <p className="text-muted">{s.agent.ready(agent.name)}</p>;
  if (!isAdmin) return <Notice>{s.agent.admin}</Notice>;
  return (
    <>
      <p className="text-muted">{s.agent.missing}</p>
      {setUp.error && <ErrorNotice error={setUp.error} />}
      <Button look="primary" busy={setUp.isPending} onClick={() => setUp.mutate()}>
        {s.agent.setUp}
      </Button>
    </>
  );
}

interface AskProps {
  agentId: string | undefined;
  isAsked: boolean;
  onAsked(runId: string): void;
}

export function AskStage({ agentId, isAsked, onAsked }: AskProps) {
  const ask = useAsk();
  const isMember = useMay("member");
  return (
    <>
      <p className="text-muted">{s.ask.detail}</p>
      <Code text={s.ask.request} label={s.ask.title} className="w-full" />
      {ask.error && <ErrorNotice error={ask.error} />}
      {!isAsked && agentId && (
        <Button
          look="primary"
          busy={ask.isPending}
          disabled={!isMember}
          onClick={() => ask.mutate(agentId, { onSuccess: (run) => run && onAsked(run) })}
        >
          {s.ask.button}
        </Button>
      )}
    </>
  );
}

export function DecideStage({ run }: { run: Run }) {
  const steps = useQuery(stepsQuery(run.id));
  const shown = (steps.data ?? []).filter(worthShowing);
  const isWaiting = run.state === "waiting" && run.waiting_for === "approval";
  return (
    <>
      {isWaiting && <p className="text-muted">{s.decide.detail}</p>}
      {!isWaiting && isOpen(run) && (
        <p role="status" className="flex items-center gap-2 text-muted">
          <LoaderCircle aria-hidden className="size-4 animate-spin" />
          <span>
            <Said text={run.waiting_for === "node" ? s.decide.node : s.decide.waiting} />
          </span>
        </p>
      )}
      {steps.error && <ErrorNotice error={steps.error} onRetry={() => void steps.refetch()} />}
      <div className="flex w-full flex-col gap-2">
        {shown.map((step) => (
          <StepCard key={step.step} step={step} />
        ))}
      </div>
      {!isOpen(run) && (
        <Notice tone={run.state === "succeeded" ? "ok" : "info"}>
          {run.state === "succeeded" ? s.decide.over : s.decide.failed}
        </Notice>
      )}
    </>
  );
}

interface VerifyProps {
  isDone: boolean;
  onVerified(isGood: boolean): void;
}

/** `onVerified` is told what the server found: a record that is not sound is not verified. */
export function VerifyStage({ isDone, onVerified }: VerifyProps) {
  const verify = useServerVerify();
  const report = verify.data;
  return (
    <>
      <p className="text-muted">{s.verify.detail}</p>
      {verify.error && <ErrorNotice error={verify.error} />}
      {report && (
        <Notice
          tone={report.isGood ? "ok" : "bad"}
          title={report.isGood ? s.verify.good(report.events) : s.verify.bad}
        >
          {report.root && (
            <p className="text-xs">
              {s.verify.root}: <code className="font-mono break-all">{report.root}</code>
            </p>
          )}
        </Notice>
      )}
      <Button
        look={report || isDone ? "secondary" : "primary"}
        busy={verify.isPending}
        onClick={() => verify.mutate(undefined, { onSuccess: ({ isGood }) => onVerified(isGood) })}
      >
        {isDone ? s.verify.again : s.verify.button}
      </Button>
    </>
  );
}

export function ReplayStage({ runId, onReplayed }: { runId: string; onReplayed(): void }) {
  const replay = useReplay();
  const isStricter = replay.variables?.changes !== undefined;
  // Once it is known to be the same, the question is what another policy would have done.
  const isStricterNext = replay.isSuccess && !isStricter;
  const again = (changes?: typeof stricter) => () =>
    replay.mutate({ id: runId, ...(changes ? { changes } : {}) }, { onSuccess: onReplayed });
  return (
    <>
      <p className="text-muted">{s.replay.detail}</p>
      {replay.error && <ErrorNotice error={replay.error} />}
      {replay.data && "report" in replay.data && <ReplayReport report={reportOf(replay.data.report)} />}
      <div className="flex flex-wrap gap-2">
        <Button
          look={replay.data ? "secondary" : "primary"}
          busy={replay.isPending && !isStricter}
          disabled={replay.isPending}
          onClick={again()}
        >
          {s.replay.button}
        </Button>
        <Button
          look={isStricterNext ? "primary" : "secondary"}
          busy={replay.isPending && isStricter}
          disabled={replay.isPending}
          onClick={again(stricter)}
        >
          {s.replay.stricter}
        </Button>
      </div>
    </>
  );
}

function ReplayReport({ report }: { report: Report }) {
  if (report.isIdentical) return <Notice tone="ok" title={s.replay.identical(report.compared)} />;
  const at = report.divergence?.step ?? 0;
  const step = report.steps.find((it) => it.step === at);
  return (
    <Notice tone="warn" title={s.replay.diverged(at, step?.tool ?? "")}>
      <p className="mt-1 flex flex-wrap items-center gap-2">
        {s.replay.before} <VerdictBadge verdict={step?.recorded.verdict} /> {s.replay.now}{" "}
        <VerdictBadge verdict={step?.replayed.verdict} />
      </p>
      {step?.reason && (
        <p className="mt-1">
          <Said text={step.reason} />
        </p>
      )}
    </Notice>
  );
}

export function Finished({ runId, onAgain }: { runId: string; onAgain(): void }) {
  return (
    <section className="mt-6 rounded-xl border bg-surface p-5">
      <h2 className="text-base font-semibold">{s.finished}</h2>
      <p className="mt-1 text-sm text-muted">{s.finishedDetail}</p>
      <div className="mt-4 flex flex-wrap gap-2">
        <Link to="/runs/$runId" params={{ runId }} className={buttonClass({ look: "primary" })}>
          {s.toRun}
        </Link>
        <Link to="/inbox" className={buttonClass()}>
          {s.toInbox}
        </Link>
        <Button onClick={onAgain}>{s.again}</Button>
      </div>
    </section>
  );
}

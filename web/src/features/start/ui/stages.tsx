/** The stages of the first steps, each with what it does. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import type { Schema } from "@/api/client";
import { useMay } from "@/app/useAuth";
import { isOver, type Run, stepsQuery } from "@/features/steps/api/steps";
import { worthShowing } from "@/features/steps/model/step";
import { StepCard } from "@/features/steps/ui/StepCard";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ErrorNotice, sentence } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { useAsk, useReplay, useSetUp, useVerify } from "../api/start";
import { replayed, verification } from "../model/reports";

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
      {!isWaiting && !isOver(run) && (
        <p role="status" className="flex items-center gap-2 text-muted">
          <LoaderCircle aria-hidden className="size-4 animate-spin" />
          {run.waiting_for === "node" ? s.decide.node : s.decide.waiting}
        </p>
      )}
      {steps.error && <ErrorNotice error={steps.error} onRetry={() => void steps.refetch()} />}
      <div className="flex w-full flex-col gap-2">
        {shown.map((step) => (
          <StepCard key={step.step} step={step} />
        ))}
      </div>
      {isOver(run) && (
        <Notice tone={run.state === "succeeded" ? "ok" : "info"}>
          {run.state === "succeeded" ? s.decide.over : s.decide.failed}
        </Notice>
      )}
    </>
  );
}

export function VerifyStage({ onVerified }: { onVerified(): void }) {
  const verify = useVerify();
  const report = verify.data ? verification(verify.data) : undefined;
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
        look={report ? "secondary" : "primary"}
        busy={verify.isPending}
        onClick={() => verify.mutate(undefined, { onSuccess: onVerified })}
      >
        {s.verify.button}
      </Button>
    </>
  );
}

export function ReplayStage({ runId, onReplayed }: { runId: string; onReplayed(): void }) {
  const replay = useReplay(runId);
  const again = (how: "as-it-was" | "stricter") => () => replay.mutate(how, { onSuccess: onReplayed });
  const busy = (how: string) => replay.isPending && replay.variables === how;
  return (
    <>
      <p className="text-muted">{s.replay.detail}</p>
      {replay.error && <ErrorNotice error={replay.error} />}
      {replay.data && <ReplayReport report={replay.data} />}
      <div className="flex flex-wrap gap-2">
        <Button
          look={replay.data ? "secondary" : "primary"}
          busy={busy("as-it-was")}
          disabled={replay.isPending}
          onClick={again("as-it-was")}
        >
          {s.replay.button}
        </Button>
        <Button busy={busy("stricter")} disabled={replay.isPending} onClick={again("stricter")}>
          {s.replay.stricter}
        </Button>
      </div>
    </>
  );
}

function ReplayReport({ report }: { report: unknown }) {
  const outcome = replayed(report);
  if (outcome.isIdentical) return <Notice tone="ok" title={s.replay.identical(outcome.compared)} />;
  const verdict = (name: string): ReactNode => <Badge>{t.steps.verdict[name] ?? name}</Badge>;
  return (
    <Notice tone="warn" title={s.replay.diverged(outcome.step, outcome.tool)}>
      <p className="mt-1 flex flex-wrap items-center gap-2">
        {s.replay.before} {verdict(outcome.recorded)} {s.replay.now} {verdict(outcome.replayed)}
      </p>
      {outcome.reason && <p className="mt-1">{sentence(outcome.reason)}</p>}
    </Notice>
  );
}

export function Finished({ onAgain }: { onAgain(): void }) {
  return (
    <section className="mt-6 rounded-xl border bg-surface p-5">
      <h2 className="text-base font-semibold">{s.finished}</h2>
      <p className="mt-1 text-sm text-muted">{s.finishedDetail}</p>
      <div className="mt-4 flex flex-wrap gap-2">
        <Link to="/inbox" className={buttonClass({ look: "primary" })}>
          {s.toInbox}
        </Link>
        <Button onClick={onAgain}>{s.again}</Button>
      </div>
    </section>
  );
}

import { useQuery } from "@tanstack/react-query";
import {
  Check,
  ChevronRight,
  CircleHelp,
  CircleX,
  Hourglass,
  LoaderCircle,
  ShieldQuestion,
  ShieldX,
} from "lucide-react";
import { approvalQuery } from "@/features/approvals/api/approvals";
import { targetName } from "@/features/approvals/model/show";
import { Answers } from "@/features/approvals/ui/Answers";
import { Countdown } from "@/features/approvals/ui/Countdown";
import { Exactly } from "@/features/approvals/ui/Exactly";
import { cx } from "@/lib/cx";
import { took } from "@/lib/time";
import { t } from "@/strings";
import { Code } from "@/ui/Code";
import { ErrorNotice, sentence } from "@/ui/ErrorNotice";
import { Skeleton } from "@/ui/Skeleton";
import type { Step } from "../api/steps";
import { decisionOf, durationOf, failureOf, outputOf, pendingApproval } from "../model/step";

const icons = {
  intended: { Icon: LoaderCircle, ink: "text-muted animate-spin" },
  asked: { Icon: ShieldQuestion, ink: "text-warn" },
  underway: { Icon: LoaderCircle, ink: "text-muted animate-spin" },
  waiting: { Icon: Hourglass, ink: "text-muted" },
  unknown: { Icon: CircleHelp, ink: "text-warn" },
  succeeded: { Icon: Check, ink: "text-ok" },
  failed: { Icon: CircleX, ink: "text-bad" },
  denied: { Icon: ShieldX, ink: "text-bad" },
} as const;

const iconOf = (state: string) => icons[state as keyof typeof icons] ?? icons.waiting;

/** One step: what was asked, what was decided, and what came of it. Closed until somebody wants to know. */
export function StepCard({ step }: { step: Step }) {
  const { Icon, ink } = iconOf(step.state);
  const duration = durationOf(step);
  const approval = pendingApproval(step);
  if (approval) return <AskCard step={step} approvalId={approval} />;
  return (
    <details className="group rounded-lg border bg-surface">
      <summary className="flex min-h-9 list-none items-center gap-2 rounded-lg px-3 py-1.5 text-sm hover:bg-hover [&::-webkit-details-marker]:hidden">
        <Icon aria-hidden className={cx("size-4 shrink-0", ink)} />
        <span className="sr-only">{t.steps.state[step.state]}</span>
        <code className="shrink-0 font-mono text-xs">{step.tool}</code>
        <span className="min-w-0 flex-1 truncate text-muted">{targetName(step.target)}</span>
        {duration !== undefined && (
          <span className="shrink-0 text-xs text-muted tabular-nums">{took(duration)}</span>
        )}
        <ChevronRight
          aria-hidden
          className="size-4 shrink-0 text-muted transition-transform group-open:rotate-90"
        />
      </summary>
      <StepBody step={step} />
    </details>
  );
}

function StepBody({ step }: { step: Step }) {
  const decision = decisionOf(step);
  const output = outputOf(step);
  const failure = failureOf(step);
  return (
    <div className="flex flex-col gap-3 border-t px-3 py-3 text-sm">
      {decision && (
        <section>
          <h3 className="mb-0.5 text-xs text-muted">{t.steps.decision}</h3>
          <p>
            <strong className="font-medium">
              {t.steps.verdict[decision.verdict ?? ""] ?? decision.verdict}
            </strong>
            {decision.reason && `: ${sentence(decision.reason)}`}
          </p>
          {decision.policies.length > 0 && (
            <p className="font-mono text-xs text-muted">{t.steps.by(decision.policies.join(", "))}</p>
          )}
        </section>
      )}
      {step.arguments !== null && step.arguments !== undefined && (
        <section>
          <h3 className="mb-1 text-xs text-muted">{t.steps.arguments}</h3>
          <Exactly tool={step.tool ?? ""} args={step.arguments} />
        </section>
      )}
      {(output || failure) && (
        <section>
          <h3 className="mb-1 text-xs text-muted">{t.steps.result}</h3>
          {output && <Code text={output} label={t.steps.result} />}
          {failure && (
            <div className="rounded-md bg-bad-soft px-3 py-2">
              <p>
                <code className="font-mono text-xs">{failure.code}</code> {sentence(failure.message)}
              </p>
              {failure.fix && (
                <p>
                  {t.steps.fix} {sentence(failure.fix)}
                </p>
              )}
            </div>
          )}
          {step.result && "truncated" in step.result && step.result.truncated && (
            <p className="mt-1 text-xs text-muted">{t.steps.truncated}</p>
          )}
        </section>
      )}
      {step.masked && <p className="text-xs text-warn">{t.steps.masked}</p>}
      {step.attempts > 1 && <p className="text-xs text-muted">{t.steps.attempts(step.attempts)}</p>}
    </div>
  );
}

/** A step that waits for a person: open, with everything that the answer is about. */
function AskCard({ step, approvalId }: { step: Step; approvalId: string }) {
  const { data: approval, error, refetch } = useQuery(approvalQuery(approvalId));
  return (
    <section
      aria-label={`${t.steps.state.asked}: ${step.tool} ${targetName(step.target)}`}
      className="overflow-hidden rounded-lg border border-warn/50 bg-surface"
    >
      <header className="flex flex-wrap items-center gap-2 bg-warn-soft px-3 py-2 text-sm">
        <ShieldQuestion aria-hidden className="size-4 shrink-0 text-warn" />
        <code className="font-mono text-xs">{step.tool}</code>
        <span className="min-w-36 flex-1 font-medium break-words">{targetName(step.target)}</span>
        {approval?.status === "pending" && <Countdown until={approval.expires_at} />}
      </header>
      <div className="flex flex-col gap-3 p-3">
        {error && <ErrorNotice error={error} onRetry={() => void refetch()} />}
        {!approval && !error && <Skeleton className="h-16" />}
        {approval && (
          <>
            <p className="text-sm text-muted">{sentence(approval.reason)}</p>
            <Exactly tool={approval.tool} args={approval.arguments} />
            <Answers approval={approval} />
          </>
        )}
      </div>
    </section>
  );
}

import { useQuery } from "@tanstack/react-query";
import { ChevronRight, ShieldQuestion } from "lucide-react";
import { approvalQuery } from "@/features/approvals/api/approvals";
import { targetName } from "@/features/approvals/model/show";
import { Answers } from "@/features/approvals/ui/Answers";
import { Countdown } from "@/features/approvals/ui/Countdown";
import { Exactly } from "@/features/approvals/ui/Exactly";
import { duration } from "@/lib/format";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Said } from "@/ui/Said";
import { Skeleton } from "@/ui/Skeleton";
import type { Step } from "../api/runs";
import { durationOf, pendingApproval, stateOf } from "../model/step";
import { StepSign } from "./StateBadge";
import { DecisionSection, InputSection, OutputSection } from "./StepSections";

/** One step: what was asked, what was decided, and what came of it. Closed until somebody wants to know. */
export function StepCard({ step }: { step: Step }) {
  const took = durationOf(step);
  const approval = pendingApproval(step);
  if (approval) return <AskCard step={step} approvalId={approval} />;
  return (
    <details className="group rounded-lg border bg-surface">
      <summary className="flex min-h-9 list-none items-center gap-2 rounded-lg px-3 py-1.5 text-sm hover:bg-hover [&::-webkit-details-marker]:hidden">
        <StepSign state={stateOf(step)} />
        <code className="shrink-0 font-mono text-xs">{step.tool}</code>
        <span className="min-w-0 flex-1 truncate text-muted">{targetName(step.target)}</span>
        {took !== undefined && (
          <span className="shrink-0 text-xs text-muted tabular-nums">{duration(took)}</span>
        )}
        <ChevronRight
          aria-hidden
          className="size-4 shrink-0 text-muted transition-transform group-open:rotate-90"
        />
      </summary>
      <div className="flex flex-col gap-4 border-t px-3 py-3 text-sm">
        <DecisionSection value={step.decision} />
        <InputSection step={step} />
        <OutputSection step={step} />
        {step.attempts > 1 && <p className="text-xs text-muted">{t.runs.step.attempts(step.attempts)}</p>}
      </div>
    </details>
  );
}

/** A step that waits for a person: open, with everything that the answer is about. */
function AskCard({ step, approvalId }: { step: Step; approvalId: string }) {
  const { data: approval, error, refetch } = useQuery(approvalQuery(approvalId));
  return (
    <section
      aria-label={t.runs.step.asks(step.tool ?? "", targetName(step.target))}
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
            <p className="text-sm text-muted">
              <Said text={approval.reason} />
            </p>
            <Exactly tool={approval.tool} args={approval.arguments} />
            <Answers approval={approval} />
          </>
        )}
      </div>
    </section>
  );
}

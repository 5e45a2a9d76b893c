import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft, ShieldQuestion } from "lucide-react";
import type { ReactNode } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { IconButton } from "@/ui/Button";
import { CopyButton } from "@/ui/Code";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Said } from "@/ui/Said";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { approvalQuery } from "../api/approvals";
import { targetName } from "../model/show";
import { Answers } from "./Answers";
import { Countdown } from "./Countdown";
import { Exactly } from "./Exactly";
import { StatusBadge } from "./StatusBadge";

const link = "text-accent-text underline underline-offset-2";

interface Props {
  id: string;
  onBack(): void;
  onAnswered(): void;
}

/** One request, whole: what will run, why it was asked, and the answers. */
export function ApprovalDetail({ id, onBack, onAnswered }: Props) {
  const { data: approval, error, refetch } = useQuery(approvalQuery(id));
  const directory = useDirectory();
  if (error) {
    return (
      <div className="p-5">
        <ErrorNotice error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (!approval) {
    return (
      <div className="flex flex-col gap-4 p-5">
        <Skeleton className="h-6 w-1/2" />
        <Skeleton className="h-24" />
      </div>
    );
  }
  const isPending = approval.status === "pending";
  return (
    <article className="flex min-h-0 flex-1 flex-col" aria-labelledby="approval-title">
      <div className="min-h-0 flex-1 overflow-y-auto px-4 py-4 sm:px-6 sm:py-5">
        <header className="mb-5 flex items-start gap-2">
          <IconButton
            label={t.approvals.back}
            icon={<ArrowLeft />}
            className="-ml-2 lg:hidden"
            onClick={onBack}
          />
          <div className="min-w-0 flex-1">
            <h2 id="approval-title" className="text-lg font-semibold break-words">
              {targetName(approval.target) || approval.tool}
            </h2>
            <div className="mt-1.5 flex flex-wrap items-center gap-2 text-sm text-muted">
              <code className="font-mono text-xs">{approval.tool}</code>
              <span>·</span>
              <span>{directory.name(approval.agent_id)}</span>
              <StatusBadge status={approval.status} scope={approval.scope} />
              {isPending && <Countdown until={approval.expires_at} />}
            </div>
          </div>
        </header>

        <section className="mb-5 flex gap-3 rounded-lg bg-warn-soft px-4 py-3">
          <ShieldQuestion aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
          <div className="text-sm">
            <h3 className="font-medium">{t.approvals.whyAsked}</h3>
            <p>
              <Said text={approval.reason} />
            </p>
            {approval.four_eyes && <p className="mt-1">{t.approvals.fourEyes}</p>}
          </div>
        </section>

        <section className="mb-6">
          <h3 className="mb-2 text-sm font-medium">{t.approvals.exactly}</h3>
          <Exactly tool={approval.tool} args={approval.arguments} />
        </section>

        <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5 border-t pt-4 text-xs text-muted">
          <Fact name={t.approvals.requestedBy}>{directory.name(approval.requested_by)}</Fact>
          <Fact name={t.approvals.run}>
            <Link to="/runs/$runId" params={{ runId: approval.run_id }} className={link}>
              <code className="font-mono">{approval.run_id}</code>
            </Link>
          </Fact>
          {approval.session_id && (
            <Fact name={t.approvals.said}>
              <Link to="/chats/$sessionId" params={{ sessionId: approval.session_id }} className={link}>
                {t.approvals.chat}
              </Link>
            </Fact>
          )}
          <Fact name={t.approvals.digest}>
            <span className="flex items-start gap-1">
              <code className="min-w-0 font-mono break-all">{approval.digest}</code>
              <CopyButton text={approval.digest} className="-my-1" />
            </span>
          </Fact>
          {approval.decided_at && (
            <Fact name={t.approvals.status[approval.status] ?? approval.status}>
              <Time at={approval.decided_at} />{" "}
              {approval.decided_by && t.approvals.decidedBy(directory.name(approval.decided_by))}
            </Fact>
          )}
        </dl>
        {approval.comment && (
          <div className="mt-4">
            <Notice title={t.approvals.comment}>{approval.comment}</Notice>
          </div>
        )}
      </div>
      {isPending && (
        <footer className="border-t bg-surface px-4 py-3 sm:px-6">
          <Answers approval={approval} withKeys onAnswered={onAnswered} />
          <p className="mt-2 hidden text-xs text-muted sm:block">{t.approvals.noAnswer}</p>
        </footer>
      )}
    </article>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="min-w-0 text-text">{children}</dd>
    </>
  );
}

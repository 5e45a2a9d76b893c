import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Said } from "@/ui/Said";
import { toast } from "@/ui/toast";
import { type Run, useCancelRun, useResolveRun } from "../api/runs";
import { approvalOf, failureOf } from "../model/run";

const s = t.runs.run;

/** What somebody should know of the run before anything else, and can do about it. */
export function RunNotices({ run }: { run: Run }) {
  const failure = run.state === "failed" ? failureOf(run) : undefined;
  const isUnknown = run.state === "waiting" && run.waiting_for === "decision";
  const asksPerson = run.state === "waiting" && run.waiting_for === "approval";
  const approval = asksPerson ? approvalOf(run) : undefined;
  if (!failure && !isUnknown && !asksPerson) return null;
  return (
    <div className="flex flex-col gap-3 px-4 pt-4 pb-2 md:px-6">
      {failure && (
        <Notice tone="bad" title={failure.code}>
          <Said text={failure.message} />
        </Notice>
      )}
      {asksPerson && (
        <Notice tone="warn" title={s.approvalTitle}>
          <p>{s.approvalDetail}</p>
          {approval && (
            <Link
              to="/inbox/$approvalId"
              params={{ approvalId: approval }}
              className={`mt-2 ${buttonClass({ size: "sm" })}`}
            >
              {s.approvalOpen}
            </Link>
          )}
        </Notice>
      )}
      {isUnknown && <UnknownOutcome run={run} />}
    </div>
  );
}

function UnknownOutcome({ run }: { run: Run }) {
  const may = useMay("member");
  const resolve = useResolveRun();
  const choose = (decision: "repeat" | "skip" | "fail") =>
    resolve.mutate({ id: run.id, decision }, { onSuccess: () => toast({ title: s.resolved }) });
  return (
    <Notice tone="warn" title={s.unknownTitle}>
      <p>{s.unknownDetail}</p>
      {may && (
        <ul className="mt-3 grid gap-2 sm:grid-cols-3">
          {(
            [
              ["repeat", s.resolve.repeat, s.resolve.repeatDetail],
              ["skip", s.resolve.skip, s.resolve.skipDetail],
              ["fail", s.resolve.fail, s.resolve.failDetail],
            ] as const
          ).map(([decision, name, detail]) => (
            <li key={decision} className="flex flex-col items-start gap-1.5">
              <Button
                look={decision === "fail" ? "danger" : "secondary"}
                busy={resolve.isPending && resolve.variables.decision === decision}
                disabled={resolve.isPending}
                onClick={() => choose(decision)}
              >
                {name}
              </Button>
              <span className="text-xs text-muted">{detail}</span>
            </li>
          ))}
        </ul>
      )}
      {resolve.isError && <ErrorNotice error={resolve.error} />}
    </Notice>
  );
}

/** Asks once more before a run is ended. */
export function CancelButton({ run }: { run: Run }) {
  const [isOpen, setOpen] = useState(false);
  const cancel = useCancelRun();
  return (
    <>
      <Button look="danger" disabled={run.cancel_requested} onClick={() => setOpen(true)}>
        {run.cancel_requested ? s.cancelAsked : s.cancel}
      </Button>
      <Dialog
        open={isOpen}
        onOpenChange={setOpen}
        title={s.cancelTitle}
        description={s.cancelDetail}
        footer={
          <>
            <Button onClick={() => setOpen(false)}>{s.keep}</Button>
            <Button
              look="danger"
              busy={cancel.isPending}
              onClick={() => cancel.mutate(run.id, { onSuccess: () => setOpen(false) })}
            >
              {s.cancelYes}
            </Button>
          </>
        }
      >
        {cancel.isError && <ErrorNotice error={cancel.error} />}
      </Dialog>
    </>
  );
}

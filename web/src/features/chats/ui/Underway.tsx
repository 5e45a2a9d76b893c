import { useQuery } from "@tanstack/react-query";
import { LoaderCircle, Square } from "lucide-react";
import { useMay } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { type Run, stepsQuery } from "@/features/runs/api/runs";
import { worthShowing } from "@/features/runs/model/step";
import { StepCard } from "@/features/runs/ui/StepCard";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { Markdown } from "@/ui/Markdown";
import { useCancel } from "../api/chats";

type Shown = Pick<Run, "id"> & Partial<Run>;

/** An agent at work: its steps as they happen, what needs a yes, and what it is writing. */
export function Underway({ run, text }: { run: Shown; text: string | undefined }) {
  const directory = useDirectory();
  const mayStop = useMay("member");
  const steps = useQuery({ ...stepsQuery(run.id), enabled: run.state !== "queued" });
  const cancel = useCancel(run.session_id ?? "");
  const name = directory.name(run.agent_id);
  const shown = (steps.data ?? []).filter(worthShowing);
  const isAsking = run.waiting_for === "approval";
  const isStopping = cancel.isPending || run.cancel_requested === true;
  return (
    <li className="flex gap-3" aria-label={t.chats.writing(name)}>
      <Avatar name={name} agent />
      <div className="flex min-w-0 flex-1 flex-col gap-2.5">
        <div className="flex min-h-7 items-center gap-2 text-sm">
          <span className="font-medium">{name}</span>
          {!isAsking && <LoaderCircle aria-hidden className="size-3.5 animate-spin text-muted" />}
          <span role="status" className="text-xs text-muted">
            {run.state === "queued"
              ? t.chats.queued(name)
              : run.waiting_for === "node"
                ? t.chats.waitingNode
                : ""}
          </span>
          <span className="flex-1" />
          {mayStop && run.state && (
            <Button size="sm" icon={<Square />} disabled={isStopping} onClick={() => cancel.mutate(run.id)}>
              {isStopping ? t.chats.stopping : t.chats.stop}
            </Button>
          )}
        </div>
        {shown.map((step) => (
          <StepCard key={step.step} step={step} />
        ))}
        {text && <Markdown text={text} />}
      </div>
    </li>
  );
}

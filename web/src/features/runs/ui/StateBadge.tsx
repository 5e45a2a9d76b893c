import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleMinus,
  CircleSlash,
  CircleX,
  LoaderCircle,
  PauseCircle,
} from "lucide-react";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import type { Run } from "../api/runs";
import { stateName, toneOf } from "../model/run";
import { type StepState, verdictTone } from "../model/step";

const icons: Record<string, typeof CircleCheck> = {
  succeeded: CircleCheck,
  failed: CircleX,
  cancelled: Ban,
  waiting: PauseCircle,
  running: LoaderCircle,
  dispatching: LoaderCircle,
};

export function StateBadge({ run }: { run: Pick<Run, "state" | "waiting_for"> }) {
  const Icon = icons[run.state] ?? CircleDashed;
  return (
    <Badge tone={toneOf(run.state)}>
      <Icon aria-hidden className={Icon === LoaderCircle ? "animate-spin" : ""} />
      {stateName(run)}
    </Badge>
  );
}

const stepIcons: Record<StepState, typeof CircleCheck> = {
  intended: CircleDashed,
  asked: PauseCircle,
  underway: LoaderCircle,
  waiting: PauseCircle,
  unknown: CircleHelp,
  succeeded: CircleCheck,
  absent: CircleMinus,
  failed: CircleX,
  denied: Ban,
  abandoned: CircleSlash,
};

const stepInks: Record<StepState, string> = {
  intended: "text-faint",
  asked: "text-warn",
  underway: "text-accent-text",
  waiting: "text-warn",
  unknown: "text-warn",
  succeeded: "text-ok",
  absent: "text-faint",
  failed: "text-bad",
  denied: "text-bad",
  abandoned: "text-faint",
};

/** How a step stands, as a sign; its name is read out. */
export function StepSign({ state }: { state: StepState }) {
  const Icon = stepIcons[state];
  return (
    <span className={`inline-flex shrink-0 ${stepInks[state]}`} title={t.runs.step.states[state]}>
      <Icon aria-hidden className={`size-4 ${Icon === LoaderCircle ? "animate-spin" : ""}`} />
      <span className="sr-only">{t.runs.step.states[state]}</span>
    </span>
  );
}

export function VerdictBadge({ verdict }: { verdict: string | undefined }) {
  if (!verdict) return null;
  return <Badge tone={verdictTone(verdict)}>{t.runs.step.verdicts[verdict] ?? verdict}</Badge>;
}

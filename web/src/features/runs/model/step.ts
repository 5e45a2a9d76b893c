/** One step as the API has it, read into what pages show. Whatever is not as expected is left out. */
import { targetName } from "@/features/approvals/model/show";
import { fields } from "@/lib/fields";
import type { BadgeTone } from "@/ui/Badge";
import type { Step } from "../api/runs";

const STEP_STATES = [
  "intended",
  "asked",
  "underway",
  "waiting",
  "unknown",
  "succeeded",
  "absent",
  "failed",
  "denied",
  "abandoned",
] as const;

/** `absent` is ours: a guide was looked for and there is none. */
export type StepState = (typeof STEP_STATES)[number];

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const number = (value: unknown) => (typeof value === "number" ? value : undefined);
const texts = (value: unknown) => (Array.isArray(value) ? value.filter((it) => typeof it === "string") : []);

export interface Decision {
  verdict: string;
  reason: string;
  rules: string[];
  risk: number | undefined;
  fix: string | undefined;
  revision: string | undefined;
}

export function decisionOf(value: unknown): Decision | undefined {
  const it = fields(value);
  const verdict = text(it.verdict);
  if (!verdict) return undefined;
  return {
    verdict,
    reason: text(it.reason) ?? "",
    rules: texts(it.determining),
    risk: number(it.risk),
    fix: text(it.suggested_fix),
    revision: text(it.revision),
  };
}

export function verdictTone(verdict: string | undefined): BadgeTone {
  if (verdict === "allow") return "ok";
  if (verdict === "deny") return "bad";
  return verdict === "require_approval" ? "warn" : "plain";
}

export type Outcome =
  | { ok: true; output: unknown; durationMs: number; truncated: boolean }
  | { ok: false; code: string; message: string; fix: string | undefined };

/** What came of a step, or of a direct call. */
export function outcomeOf(result: Step["result"]): Outcome | undefined {
  if (!result) return undefined;
  if ("error" in result) {
    const error = fields(result.error);
    return {
      ok: false,
      code: text(error.code) ?? "",
      message: text(error.message) ?? "",
      fix: text(error.suggested_fix),
    };
  }
  const { output, duration_ms, truncated } = result;
  return { ok: true, output, durationMs: duration_ms, truncated };
}

/** Whether a turn looked for an `AGENTS.md` that is not there, which is no failure: few folders have one. */
export function foundNoGuide(tool: string | null | undefined, target: unknown, code: string | undefined) {
  const name = targetName(target).split("/").at(-1);
  return tool === "file.read" && name === "AGENTS.md" && code === "NOT_FOUND";
}

export function stateOf(step: Step): StepState {
  const outcome = outcomeOf(step.result);
  if (outcome && !outcome.ok && foundNoGuide(step.tool, step.target, outcome.code)) return "absent";
  return STEP_STATES.find((it) => it === step.state) ?? "intended";
}

/** What people want to see of a run beside its answer: not what its agent was told, nor guides that are not there. */
export const worthShowing = (step: Step) =>
  Boolean(step.tool) && step.tool !== "model.call" && stateOf(step) !== "absent";

/** The request for approval that a step waits for. */
export function pendingApproval(step: Step): string | undefined {
  return step.state === "asked" ? text(fields(step.approval).approval) : undefined;
}

/** How long the tool itself took, or else from the step's beginning to its end. */
export function durationOf(step: Step): number | undefined {
  const outcome = outcomeOf(step.result);
  if (outcome?.ok) return outcome.durationMs;
  return step.ended_at ? Date.parse(step.ended_at) - Date.parse(step.began_at) : undefined;
}

export interface Usage {
  input: number;
  output: number;
  /** None where nobody prices the model. */
  micros: number | undefined;
  served: string | undefined;
}

/** What a question to a model took. */
export function usageOf(step: Pick<Step, "tool" | "result">): Usage | undefined {
  const outcome = step.tool === "model.call" ? outcomeOf(step.result) : undefined;
  if (!outcome?.ok) return undefined;
  const output = fields(outcome.output);
  const usage = fields(output.usage);
  return {
    input: number(usage.input_tokens) ?? 0,
    output: number(usage.output_tokens) ?? 0,
    micros: number(output.cost_usd_micros),
    served: text(output.served),
  };
}

export interface Totals {
  input: number;
  output: number;
  micros: number;
  calls: number;
  unpriced: number;
}

export function totalsOf(steps: readonly Step[]): Totals {
  const totals: Totals = { input: 0, output: 0, micros: 0, calls: 0, unpriced: 0 };
  for (const step of steps) {
    const usage = usageOf(step);
    if (!usage) continue;
    totals.calls += 1;
    totals.input += usage.input;
    totals.output += usage.output;
    totals.micros += usage.micros ?? 0;
    totals.unpriced += usage.micros === undefined ? 1 : 0;
  }
  return totals;
}

/** What a step says, read out of what the record has of it. */
import type { Step } from "../api/steps";

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

export interface Decision {
  verdict: string | undefined;
  reason: string | undefined;
  fix: string | undefined;
  policies: string[];
}

export function decisionOf(step: Step): Decision | undefined {
  const decision = step.decision as Record<string, unknown> | null | undefined;
  if (!decision) return undefined;
  const { determining } = decision;
  return {
    verdict: text(decision.verdict),
    reason: text(decision.reason),
    fix: text(decision.suggested_fix),
    policies: Array.isArray(determining) ? determining.filter((it) => typeof it === "string") : [],
  };
}

/** The request for approval that a step waits for. */
export function pendingApproval(step: Step): string | undefined {
  if (step.state !== "asked") return undefined;
  return text((step.approval as Record<string, unknown> | null | undefined)?.approval);
}

/** What a step gave, as text; objects as JSON. */
export function outputOf(step: Step): string | undefined {
  const { result } = step;
  if (!result) return undefined;
  if ("error" in result) return undefined;
  const { output } = result;
  if (output === null || output === undefined) return "";
  return text(output) ?? JSON.stringify(output, null, 2);
}

export interface Failed {
  code: string;
  message: string;
  fix: string | undefined;
}

export function failureOf(step: Step): Failed | undefined {
  const { result } = step;
  if (!result || !("error" in result)) return undefined;
  const error = result.error as Record<string, unknown>;
  return { code: text(error.code) ?? "", message: text(error.message) ?? "", fix: text(error.suggested_fix) };
}

/** How long the tool itself took, or else from the step's beginning to its end. */
export function durationOf(step: Step): number | undefined {
  if (step.result && "duration_ms" in step.result) return step.result.duration_ms;
  return step.ended_at ? Date.parse(step.ended_at) - Date.parse(step.began_at) : undefined;
}

/** What people want to see of a run: not what its agent was told, nor the files that only guide it. */
export function worthShowing(step: Step): boolean {
  if (!step.tool || step.tool === "model.call") return false;
  const target = step.target as Record<string, unknown> | null | undefined;
  return !(
    step.tool === "file.read" &&
    step.state === "failed" &&
    /(^|\/)AGENTS\.md$/.test(text(target?.path) ?? "")
  );
}

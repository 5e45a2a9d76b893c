/** What a run is called and how it stands, for every page that shows one. */

import { t } from "@/strings";
import type { BadgeTone } from "@/ui/Badge";
import type { Run } from "../api/runs";

export const RUN_STATES = ["queued", "dispatching", "running", "waiting", "succeeded", "failed", "cancelled"];

export const isOpen = (run: Pick<Run, "state">) => !["succeeded", "failed", "cancelled"].includes(run.state);

export function toneOf(state: string): BadgeTone {
  switch (state) {
    case "succeeded":
      return "ok";
    case "failed":
      return "bad";
    case "waiting":
      return "warn";
    case "running":
    case "dispatching":
      return "accent";
    default:
      return "plain";
  }
}

/** `Waits for approval` says more than `Waiting`. */
export function stateName(run: Pick<Run, "state" | "waiting_for">): string {
  const waits = run.state === "waiting" && run.waiting_for ? t.runs.waits[run.waiting_for] : undefined;
  return waits ?? t.runs.states[run.state] ?? run.state;
}

/** A run has no name of its own: it is known by its chat, or by what kind of run it is. */
export function titleOf(run: Pick<Run, "kind" | "session_id">, title: string | undefined): string {
  if (run.kind === "tool") return t.runs.directCall;
  const chat = title || t.runs.untitled;
  if (run.kind === "replay") return `${t.runs.replayOf}: ${chat}`;
  if (run.kind === "summary") return `${t.runs.summaryOf}: ${chat}`;
  return chat;
}

/** How long it took, or has taken. */
export function tookMs(run: Pick<Run, "created_at" | "started_at" | "ended_at">, now: number): number {
  const from = Date.parse(run.started_at ?? run.created_at);
  return (run.ended_at ? Date.parse(run.ended_at) : now) - from;
}

export interface Failure {
  code: string;
  message: string;
  at: string | undefined;
}

export function failureOf(run: Pick<Run, "failure">): Failure | undefined {
  const it = run.failure as Record<string, unknown> | null | undefined;
  if (!it) return undefined;
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return { code: text(it.code), message: text(it.message), at: text(it.at) || undefined };
}

/** The request that a run waits for, by its id. */
export function approvalOf(run: Pick<Run, "waiting">): string | undefined {
  const it = run.waiting as Record<string, unknown> | null | undefined;
  return typeof it?.approval === "string" ? it.approval : undefined;
}

/**
 * A run's events as rows of a waterfall. Pure.
 *
 * It is made of the record's events, which carry times and decisions, and never of contents; so it is
 * live as soon as an event is, and there even where the contents were erased.
 */
import type { RecordEvent } from "@/api/events";
import { foundNoGuide, type StepState } from "./step";

export type SegmentKind = "decide" | "wait" | "work" | "unknown";

/** A stretch of time in milliseconds; one without an end goes on. */
export interface Segment {
  kind: SegmentKind;
  from: number;
  to: number | undefined;
}

export interface Row {
  step: number;
  tool: string | undefined;
  target: unknown;
  /** The digest of the whole intent: the same tool with the same arguments has the same one. */
  intent: string | undefined;
  reads: string | undefined;
  state: StepState;
  verdict: string | undefined;
  segments: Segment[];
  from: number;
  to: number | undefined;
  events: RecordEvent[];
}

export interface Timeline {
  from: number;
  /** When the run was over; none while it goes on. */
  to: number | undefined;
  rows: Row[];
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

export function timelineOf(events: readonly RecordEvent[]): Timeline {
  const rows = new Map<number, Row>();
  let from: number | undefined;
  let to: number | undefined;
  for (const event of events) {
    const at = Date.parse(event.at);
    from ??= at;
    if (/^run\.(succeeded|failed|cancelled)$/.test(event.kind)) to = at;
    const step = event.data.step;
    if (typeof step !== "number") continue;
    let row = rows.get(step);
    if (!row) {
      row = newRow(step, at);
      rows.set(step, row);
    }
    take(row, event, at);
  }
  const sorted = [...rows.values()].sort((a, b) => a.step - b.step);
  // What was open when the run ended is over with it.
  if (to !== undefined) for (const row of sorted) if (row.to === undefined) leave(row, to);
  return { from: from ?? 0, to, rows: sorted };
}

const newRow = (step: number, at: number): Row => ({
  step,
  tool: undefined,
  target: undefined,
  intent: undefined,
  reads: undefined,
  state: "intended",
  verdict: undefined,
  segments: [],
  from: at,
  to: undefined,
  events: [],
});

function endOpen(row: Row, at: number) {
  const last = row.segments.at(-1);
  if (last && last.to === undefined) last.to = Math.max(last.from, at);
}

function begin(row: Row, kind: SegmentKind, at: number) {
  endOpen(row, at);
  row.segments.push({ kind, from: at, to: undefined });
}

/** What nobody knows nobody knows later either. */
const leave = (row: Row, at: number) => end(row, row.state === "unknown" ? "unknown" : "abandoned", at);

function end(row: Row, state: StepState, at: number) {
  endOpen(row, at);
  row.state = state;
  row.to = at;
}

function take(row: Row, event: RecordEvent, at: number) {
  row.events.push(event);
  const { data } = event;
  switch (event.kind) {
    case "tool.intended":
      row.tool = text(data.tool);
      row.target = data.target;
      row.intent = text(data.intent);
      row.reads = text(data.reads);
      begin(row, "decide", at);
      break;
    case "policy.decided":
      row.verdict = text(data.verdict) ?? row.verdict;
      break;
    case "approval.requested":
      row.state = "asked";
      begin(row, "wait", at);
      break;
    case "approval.granted":
    case "approval.denied":
    case "approval.expired":
      begin(row, "decide", at);
      break;
    case "capability.issued":
    case "child.started":
    case "tool.resolved":
      row.state = "underway";
      begin(row, "work", at);
      break;
    case "timer.set":
      row.state = "waiting";
      begin(row, "wait", at);
      break;
    case "tool.outcome_unknown":
      row.state = "unknown";
      begin(row, "unknown", at);
      break;
    case "tool.executed":
    case "child.ended":
    case "timer.fired":
    case "signal.received":
    case "context.assembled":
      end(row, "succeeded", at);
      break;
    case "tool.failed":
      end(row, foundNoGuide(row.tool, row.target, text(data.code)) ? "absent" : "failed", at);
      break;
    case "tool.denied":
      end(row, "denied", at);
      break;
    default:
  }
}

/** How long a row took, or has taken. */
export const lengthOf = (row: Row, now: number) => (row.to ?? now) - row.from;

import { expect, test } from "vitest";
import type { RecordEvent } from "@/api/events";
import { scaleOf } from "./scale";
import { lengthOf, timelineOf } from "./timeline";

const START = Date.parse("2026-01-01T00:00:00Z");
let seq = 0;
const event = (ms: number, kind: string, data: Record<string, unknown> = {}): RecordEvent => {
  seq += 1;
  const at = new Date(START + ms).toISOString();
  return { seq, kind, at, run: "run_1", session: undefined, actor: {}, data };
};

const asked = [
  event(0, "run.queued"),
  event(10, "tool.intended", { step: 1, tool: "file.read", target: { kind: "file", path: "a" } }),
  event(11, "policy.decided", { step: 1, verdict: "allow" }),
  event(12, "capability.issued", { step: 1 }),
  event(112, "tool.executed", { step: 1 }),
  event(120, "tool.intended", { step: 2, tool: "file.write" }),
  event(121, "policy.decided", { step: 2, verdict: "require_approval" }),
  event(122, "approval.requested", { step: 2 }),
  event(60_122, "approval.granted", { step: 2 }),
  event(60_130, "capability.issued", { step: 2 }),
  event(60_230, "tool.executed", { step: 2 }),
  event(60_240, "run.succeeded"),
];

test("each step is a row of what it decided, waited and worked", () => {
  const { rows, to } = timelineOf(asked);
  expect(to).toBe(START + 60_240);
  const [read, write] = rows;
  expect(read?.state).toBe("succeeded");
  expect(read?.segments.map((it) => [it.kind, it.from - START, (it.to ?? 0) - START])).toEqual([
    ["decide", 10, 12],
    ["work", 12, 112],
  ]);
  expect(write?.verdict).toBe("require_approval");
  expect(write?.segments.map((it) => it.kind)).toEqual(["decide", "wait", "decide", "work"]);
  expect(write && lengthOf(write, 0)).toBe(60_110);
});

test("what is under way goes on, until the run is over", () => {
  const open = timelineOf(asked.slice(0, 8));
  expect(open.to).toBeUndefined();
  expect(open.rows[1]?.state).toBe("asked");
  expect(open.rows[1]?.segments.at(-1)).toMatchObject({ kind: "wait", to: undefined });
  const cancelled = timelineOf([...asked.slice(0, 8), event(500, "run.cancelled")]);
  expect(cancelled.rows[1]?.segments.at(-1)?.to).toBe(START + 500);
});

test("an outcome that nobody knows is a stretch of its own", () => {
  const { rows } = timelineOf([...asked.slice(0, 4), event(50, "tool.outcome_unknown", { step: 1 })]);
  expect(rows[0]?.state).toBe("unknown");
  expect(rows[0]?.segments.map((it) => it.kind)).toEqual(["decide", "work", "unknown"]);
});

test("waiting is drawn shorter than it was, and time still goes one way", () => {
  const timeline = timelineOf(asked);
  const scale = scaleOf(timeline, 0);
  expect(scale.ms).toBe(60_240);
  expect(scale.shortened).toHaveLength(1);
  expect(scale.shortened[0]?.ms).toBe(60_018);
  const places = [0, 12, 112, 30_000, 60_130, 60_230, 60_240].map((ms) => scale.at(START + ms));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places[0]).toBe(0);
  expect(places.at(-1)).toBe(1);
  const [, workFrom = 0, workTo = 0] = places;
  expect(workTo - workFrom).toBeGreaterThan(0.3);
});

test("a run without work has an even axis", () => {
  const scale = scaleOf(timelineOf([event(0, "run.queued"), event(100, "run.failed")]), 0);
  expect(scale.at(START + 50)).toBe(0.5);
  expect(scale.shortened).toEqual([]);
});

test("a guide that is not there is drawn as nothing that failed", () => {
  const looked = (code: string) => [
    event(0, "tool.intended", { step: 1, tool: "file.read", target: { kind: "file", path: "AGENTS.md" } }),
    event(5, "tool.failed", { step: 1, code }),
  ];
  expect(timelineOf(looked("NOT_FOUND")).rows[0]?.state).toBe("absent");
  expect(timelineOf(looked("NODE_LOST")).rows[0]?.state).toBe("failed");
});

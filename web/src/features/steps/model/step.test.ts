import { expect, test } from "vitest";
import type { Step } from "../api/steps";
import { decisionOf, durationOf, failureOf, outputOf, pendingApproval, worthShowing } from "./step";

const step = (more: Partial<Step> = {}): Step => ({
  step: 1,
  state: "succeeded",
  tool: "file.read",
  attempts: 1,
  arguments: { path: "a" },
  began_at: "2026-01-01T00:00:00.000Z",
  ended_at: "2026-01-01T00:00:02.000Z",
  ...more,
});

test("a decision is read with its reason and its rules", () => {
  const decision = { verdict: "deny", reason: "no", determining: ["demo#a"], suggested_fix: "ask" } as never;
  expect(decisionOf(step({ decision }))).toEqual({
    verdict: "deny",
    reason: "no",
    fix: "ask",
    policies: ["demo#a"],
  });
  expect(decisionOf(step())).toBeUndefined();
});

test("only a step that waits has a pending request", () => {
  const approval = { approval: "apr_1" } as never;
  expect(pendingApproval(step({ state: "asked", approval }))).toBe("apr_1");
  expect(pendingApproval(step({ approval }))).toBeUndefined();
});

test("results are texts or JSON, and failures say why", () => {
  const gave = { ok: true, output: { a: 1 }, truncated: false, artifact_ids: [], duration_ms: 7 };
  expect(outputOf(step({ result: gave as never }))).toBe('{\n  "a": 1\n}');
  expect(durationOf(step({ result: gave as never }))).toBe(7);
  const failed = step({ result: { ok: false, error: { code: "DENIED", message: "no" } } as never });
  expect(outputOf(failed)).toBeUndefined();
  expect(failureOf(failed)).toEqual({ code: "DENIED", message: "no", fix: undefined });
  expect(durationOf(failed)).toBe(2000);
});

test("questions to models and guides that are not there are not shown", () => {
  expect(worthShowing(step())).toBe(true);
  expect(worthShowing(step({ tool: "model.call" }))).toBe(false);
  expect(worthShowing(step({ tool: null }))).toBe(false);
  expect(worthShowing(step({ state: "failed", target: { path: "notes/AGENTS.md" } as never }))).toBe(false);
});

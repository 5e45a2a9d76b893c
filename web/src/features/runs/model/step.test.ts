import { expect, test } from "vitest";
import type { Step } from "../api/runs";
import { decisionOf, durationOf, outcomeOf, pendingApproval, stateOf, worthShowing } from "./step";

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
const failed = (code: string, path: string, more: Partial<Step> = {}) =>
  step({
    state: "failed",
    target: { kind: "file", path } as never,
    result: { ok: false, error: { code, message: "no", suggested_fix: "ask" } } as never,
    ...more,
  });

test("a decision is read with its reason and its rules", () => {
  const decision = { verdict: "deny", reason: "no", determining: ["demo#a"], suggested_fix: "ask" };
  expect(decisionOf(decision)).toMatchObject({
    verdict: "deny",
    reason: "no",
    fix: "ask",
    rules: ["demo#a"],
  });
  expect(decisionOf(undefined)).toBeUndefined();
});

test("only a step that waits has a pending request", () => {
  const approval = { approval: "apr_1" } as never;
  expect(pendingApproval(step({ state: "asked", approval }))).toBe("apr_1");
  expect(pendingApproval(step({ approval }))).toBeUndefined();
});

test("what came of a step is its output, or why it failed and what would help", () => {
  const result = { ok: true, output: { a: 1 }, truncated: false, artifact_ids: [], duration_ms: 7 };
  const gave = step({ result: result as never });
  expect(outcomeOf(gave.result)).toEqual({ ok: true, output: { a: 1 }, durationMs: 7, truncated: false });
  expect(durationOf(gave)).toBe(7);
  const broke = failed("DENIED", "a");
  expect(outcomeOf(broke.result)).toEqual({ ok: false, code: "DENIED", message: "no", fix: "ask" });
  expect(durationOf(broke)).toBe(2000);
});

test("a guide that is not there is no failure; one that can't be read is, and any other file", () => {
  expect(stateOf(failed("NOT_FOUND", "notes/AGENTS.md"))).toBe("absent");
  expect(stateOf(failed("NOT_FOUND", "AGENTS.md"))).toBe("absent");
  expect(stateOf(failed("POLICY_DENIED", "AGENTS.md"))).toBe("failed");
  expect(stateOf(failed("NOT_FOUND", "notes/MY-AGENTS.md"))).toBe("failed");
  expect(stateOf(failed("NOT_FOUND", "AGENTS.md", { tool: "file.write" }))).toBe("failed");
  expect(stateOf(step({ state: "something new" }))).toBe("intended");
});

test("questions to models and guides that are not there are not shown in chats, failures are", () => {
  expect(worthShowing(step())).toBe(true);
  expect(worthShowing(step({ tool: "model.call" }))).toBe(false);
  expect(worthShowing(step({ tool: null }))).toBe(false);
  expect(worthShowing(failed("NOT_FOUND", "notes/AGENTS.md"))).toBe(false);
  expect(worthShowing(failed("POLICY_DENIED", "notes/AGENTS.md"))).toBe(true);
});

import { expect, test } from "vitest";
import type { Step } from "../api/runs";
import { compareSteps, isSame, partingOf } from "./compare";

const step = (number: number, tool: string, path: string, more: Partial<Step> = {}): Step => ({
  step: number,
  state: "succeeded",
  tool,
  target: { kind: "file", path } as never,
  arguments: { path },
  decision: { verdict: "allow" } as never,
  approval: null,
  attempts: 1,
  result: { ok: true, output: "x", truncated: false, artifact_ids: [], duration_ms: 3 },
  began_at: "2026-01-01T00:00:00Z",
  ended_at: "2026-01-01T00:00:01Z",
  ...more,
});

test("the same steps are the same, however long they took", () => {
  const slow = { ok: true, output: "x", truncated: false, artifact_ids: [], duration_ms: 900 };
  const pairs = compareSteps([step(1, "file.read", "a")], [step(3, "file.read", "a", { result: slow })]);
  expect(pairs).toHaveLength(1);
  expect(partingOf(pairs)).toBe(-1);
});

test("a step that only one has stands alone, and the rest is matched", () => {
  const a = [step(1, "file.read", "a"), step(2, "file.read", "b"), step(3, "file.write", "c")];
  const b = [step(1, "file.read", "a"), step(2, "file.write", "c")];
  const pairs = compareSteps(a, b);
  expect(pairs.map((it) => [it.a?.step, it.b?.step])).toEqual([
    [1, 1],
    [2, undefined],
    [3, 2],
  ]);
  expect(partingOf(pairs)).toBe(1);
});

test("what differs is named", () => {
  const denied = step(1, "file.read", "a", {
    state: "denied",
    arguments: { path: "a", limit: 2 },
    decision: { verdict: "deny" } as never,
    result: { ok: false, error: { code: "POLICY_DENIED", message: "no" } as never },
  });
  const [pair] = compareSteps([step(1, "file.read", "a")], [denied]);
  expect(pair?.differs).toEqual(["input", "decision", "output"]);
});

test("the order of members makes no difference", () => {
  expect(isSame({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toBe(true);
  expect(isSame([1, 2], [2, 1])).toBe(false);
});

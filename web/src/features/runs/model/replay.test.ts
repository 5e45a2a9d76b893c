import { expect, test } from "vitest";
import { differences, reportOf } from "./replay";

test("a report about decisions names where they part", () => {
  const report = reportOf({
    identical: false,
    entries: 7,
    compared: 2,
    recorded_digest: "sha256:a",
    replayed_digest: "sha256:b",
    first_divergence: {
      run_seq: 4,
      kind: "policy.decided",
      step: 1,
      recorded: { verdict: "allow", revision: "x" },
      replayed: { verdict: "deny", revision: "y" },
    },
    steps: [
      { step: 1, tool: "file.read", recorded: "allow", replayed: "deny", reason: "no", outcome: "simulated" },
    ],
    outside_effects: 0,
  });
  expect(report.divergence).toEqual({ entry: 4, step: 1, differences: [["verdict", "allow", "deny"]] });
  expect(report.steps[0]).toMatchObject({ isSame: false, recorded: { verdict: "allow" }, reason: "no" });
  expect(report.effects).toBe(0);
});

test("a report about models has both sides' words and prices", () => {
  const spent = {
    questions: 1,
    input_tokens: 10,
    output_tokens: 5,
    cost_usd_micros: 14,
    served: ["fake/one"],
  };
  const report = reportOf({
    identical: false,
    entries: 9,
    first_divergence: { run_seq: 6, kind: "tool.executed", step: 3 },
    steps: [
      {
        step: 3,
        tool: "model.call",
        outcome: "asked",
        same: false,
        recorded: { tool: "model.call", said: { text: "Milk.", calls: [] } },
        replayed: { tool: "model.call", said: { text: "", calls: [["file_read", { path: "a" }]] } },
      },
      {
        step: 4,
        tool: "file.read",
        outcome: "missing",
        same: false,
        recorded: null,
        replayed: { tool: "file.read" },
      },
    ],
    end: {
      recorded: { state: "succeeded", answer: "Milk." },
      replayed: { state: "stopped", code: "X", message: "m" },
    },
    models: { recorded: spent, replayed: spent },
    replay_run_id: "run_2",
  });
  expect(report.steps.map((it) => [it.recorded.text, it.replayed.text])).toEqual([
    ["Milk.", 'file_read {"path":"a"}'],
    [undefined, "file.read"],
  ]);
  expect(report.end).toEqual({ recorded: "succeeded\nMilk.", replayed: "stopped\nX: m" });
  expect(report.models?.recorded.micros).toBe(14);
  expect(report.replayRun).toBe("run_2");
});

test("something that is no report has nothing to show, and breaks nothing", () => {
  expect(reportOf(null)).toMatchObject({ isIdentical: false, steps: [], divergence: undefined });
  expect(differences("a", 7)).toEqual([]);
});

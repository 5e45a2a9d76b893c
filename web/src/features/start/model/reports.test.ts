import { expect, test } from "vitest";
import { replayed, verification } from "./reports";

test("a report of verifying is read", () => {
  const report = { ok: true, events: 70, checkpoint: { root: "abc=" } };
  expect(verification(report)).toEqual({ isGood: true, events: 70, root: "abc=" });
  expect(verification({ ok: false }).isGood).toBe(false);
  expect(verification(undefined).isGood).toBe(false);
});

test("a replay is identical, or says where it went differently", () => {
  expect(replayed({ identical: true, compared: 6 })).toEqual({ isIdentical: true, compared: 6 });
  const report = {
    identical: false,
    first_divergence: { step: 1, kind: "policy.decided" },
    steps: [{ step: 1, tool: "file.write", recorded: "require_approval", replayed: "deny", reason: "no" }],
  };
  expect(replayed(report)).toEqual({
    isIdentical: false,
    step: 1,
    tool: "file.write",
    recorded: "require_approval",
    replayed: "deny",
    reason: "no",
  });
});

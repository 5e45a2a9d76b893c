import { expect, test } from "vitest";
import { verificationOf } from "./report";

test("a report of verifying is read", () => {
  const report = { ok: true, events: 70, checkpoint: { root: "abc=" } };
  expect(verificationOf(report)).toEqual({ isGood: true, events: 70, root: "abc=", bad: undefined });
  const bad = { reason: "chain", seq: 7 };
  expect(verificationOf({ ok: false, first_bad: bad })).toMatchObject({ isGood: false, bad });
  expect(verificationOf(undefined).isGood).toBe(false);
});

import { expect, test } from "vitest";
import type { HistoryEvent } from "@/features/record/api/history";
import { makersOf, shownChange } from "./changes";

const names = new Map([["mdl_1", "main"]]);

test("texts are shown line by line, lists by what came and went, the rest as values", () => {
  expect(shownChange({ member: "instructions", from: "a\nb", to: "a\nc" }, names)).toEqual({
    kind: "text",
    lines: [
      { kind: "same", text: "a" },
      { kind: "removed", text: "b" },
      { kind: "added", text: "c" },
    ],
  });
  expect(shownChange({ member: "tools", from: ["x", "y"], to: ["y", "z"] }, names)).toEqual({
    kind: "list",
    added: ["z"],
    removed: ["x"],
  });
  expect(shownChange({ member: "budget_usd_micros", from: null, to: 250_000 }, names)).toEqual({
    kind: "value",
    from: "none",
    to: "$0.25",
  });
  expect(shownChange({ member: "model_profile_id", from: "mdl_1", to: "mdl_2" }, names)).toEqual({
    kind: "value",
    from: "main",
    to: "mdl_2",
  });
});

const event = (seq: number, subject: string, data: Record<string, unknown>): HistoryEvent => ({
  seq,
  subject,
  data,
  kind: "agent.updated",
  at: "",
  run: undefined,
  session: undefined,
  actor: { user: "usr_1" },
});

test("the record says who made which version, and which one went back", () => {
  const made = makersOf(
    [event(9, "agt_1", { version: 3, rolled_back_to: 1 }), event(8, "agt_2", { version: 2 })],
    "agt_1",
  );
  expect([...made]).toEqual([[3, { by: "usr_1", again: 1, seq: 9 }]]);
});

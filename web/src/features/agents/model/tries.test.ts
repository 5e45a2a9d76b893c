import { beforeEach, expect, test } from "vitest";
import { addTry, rivalOf, triesOf } from "./tries";

beforeEach(() => sessionStorage.clear());

test("tries are kept for one agent of one organisation, the newest first", () => {
  addTry("org_1", "agt_1", { run: "run_1", version: 1, question: "q" });
  addTry("org_1", "agt_1", { run: "run_2", version: 2, question: "q" });
  expect(triesOf("org_1", "agt_1").map((it) => it.run)).toEqual(["run_2", "run_1"]);
  expect(triesOf("org_2", "agt_1")).toEqual([]);
});

test("what is no try is left out", () => {
  sessionStorage.setItem(
    "chancery.draft.tries.org_1.agt_1",
    '[{"run":1},null,{"run":"r","version":1,"question":"q"}]',
  );
  expect(triesOf("org_1", "agt_1")).toEqual([{ run: "r", version: 1, question: "q" }]);
});

test("a try is held against the same question to another version first", () => {
  const now = { run: "c", version: 2, question: "q" };
  const same = { run: "b", version: 2, question: "q" };
  const before = { run: "a", version: 1, question: "q" };
  expect(rivalOf(now, [now, same, before])).toBe(before);
  expect(rivalOf(now, [now, same])).toBe(same);
  expect(rivalOf(now, [now, { run: "x", version: 1, question: "other" }])).toBeUndefined();
});

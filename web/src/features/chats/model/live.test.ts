import { expect, test } from "vitest";
import { heard, quiet, TYPING_MS, typingNow, wasRead } from "./live";

test("what an agent writes grows, and a reset stands for all of it", () => {
  const delta = (text: string, reset: boolean) => ({ run_id: "run_1", agent_id: "agt_1", text, reset });
  let live = heard(quiet, "message.delta", delta("Hel", true), 0);
  live = heard(live, "message.delta", delta("lo", false), 0);
  expect(live.writing).toEqual([{ runId: "run_1", agentId: "agt_1", text: "Hello" }]);
  live = heard(live, "message.delta", delta("Once more", true), 0);
  expect(live.writing[0]?.text).toBe("Once more");
});

test.each(["run.succeeded", "run.failed", "run.cancelled"])(
  "what was written stands after %s until the chat was read, with or without an answer, and then no more",
  (kind) => {
    const delta = (run_id: string, text: string) => ({ run_id, agent_id: "agt_1", text, reset: false });
    let live = heard(quiet, "message.delta", delta("run_1", "Hello"), 0);
    live = heard(live, "message.delta", delta("run_2", "Other"), 0);
    live = heard(live, kind, { run: "run_1" }, 0);
    expect(live.writing.map((it) => it.text)).toEqual(["Hello", "Other"]);
    // What comes late is of no run any more.
    live = heard(live, "message.delta", delta("run_1", " again"), 0);
    expect(live.writing[0]?.text).toBe("Hello");
    live = wasRead(live, ["run_1"]);
    expect(live.writing.map((it) => it.runId)).toEqual(["run_2"]);
    expect(heard(live, "message.delta", delta("run_1", "late"), 0).writing).toHaveLength(1);
  },
);

test("people come and go, and a reset is everybody", () => {
  let live = heard(quiet, "presence", { present: ["a", "b"], gone: [], reset: true }, 0);
  live = heard(live, "presence", { present: ["c"], gone: ["a"], reset: false }, 0);
  expect(live.present).toEqual(["b", "c"]);
  expect(heard(live, "presence", { present: ["d"], gone: [], reset: true }, 0).present).toEqual(["d"]);
});

test("typing ends by itself, or with the message", () => {
  const live = heard(quiet, "typing", { user_id: "a" }, 1000);
  expect(typingNow(live, 1000 + TYPING_MS - 1)).toEqual(["a"]);
  expect(typingNow(live, 1000 + TYPING_MS)).toEqual([]);
  expect(typingNow(heard(live, "message.posted", { data: { author: "a" } }, 0), 1001)).toEqual([]);
});

import { expect, test } from "vitest";
import { merged, type RecordEvent, reachEnd } from "./events";

const event = (seq: number, kind = "tool.executed"): RecordEvent => ({
  seq,
  kind,
  at: "",
  run: undefined,
  session: undefined,
  actor: {},
  data: {},
});
const seqs = (known: number[], more: number[]) =>
  merged(
    known.map((it) => event(it)),
    more.map((it) => event(it)),
  ).map((it) => it.seq);

test("two readings of events are one, in order, with nothing lost and nothing twice", () => {
  expect(seqs([], [1, 2])).toEqual([1, 2]);
  expect(seqs([1, 2], [3])).toEqual([1, 2, 3]);
  // What was streamed while a reading was under way.
  expect(seqs([1, 2, 5], [1, 2, 3, 4])).toEqual([1, 2, 3, 4, 5]);
  expect(seqs([1, 2], [1, 2])).toEqual([1, 2]);
});

test("the end of a run is known by its last event", () => {
  expect(reachEnd([event(1), event(2, "run.failed")])).toBe(true);
  expect(reachEnd([event(1, "run.queued")])).toBe(false);
  expect(reachEnd([])).toBe(false);
});

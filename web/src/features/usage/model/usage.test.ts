import { expect, test } from "vitest";
import { lookable, marksOf, placeName, placesOf, stepOf, timesOf } from "./latency";
import {
  before,
  bucketRange,
  buckets,
  bucketTitle,
  daysIn,
  isDay,
  narrower,
  rangeOf,
  shifted,
  unitOf,
  wider,
} from "./range";
import { barsOf, change, failureRate, groupsOf, type Row, sorted, sum } from "./series";

const now = Date.parse("2026-03-10T15:00:00Z");

test("an address names its days, and no days at all where it names none", () => {
  expect(rangeOf({}, now)).toEqual({ from: "2026-02-09", to: "2026-03-10" });
  expect(rangeOf({ range: "7d" }, now)).toEqual({ from: "2026-03-04", to: "2026-03-10" });
  expect(rangeOf({ range: "month" }, now)).toEqual({ from: "2026-03-01", to: "2026-03-10" });
  expect(daysIn(rangeOf({ range: "12m" }, now))).toBe(365);
  expect(rangeOf({ from: "2026-03-02", to: "2026-03-01" }, now)).toEqual({
    from: "2026-03-01",
    to: "2026-03-02",
  });
  expect(rangeOf({ from: "2026-02-30", to: "2026-03-01" }, now)).toEqual(rangeOf({}, now));
  expect(daysIn(rangeOf({ from: "1970-01-01", to: "2026-03-01" }, now))).toBe(1100);
  expect(["2026-01-31", "2026-02-29", "2026-1-1", "", 7].map(isDay)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("days are made fewer and more, and moved, but never beyond today", () => {
  const week = { from: "2026-03-01", to: "2026-03-08" };
  expect(before(week)).toEqual({ from: "2026-02-21", to: "2026-02-28" });
  expect(narrower(week)).toEqual({ from: "2026-03-03", to: "2026-03-06" });
  expect(narrower({ from: "2026-03-01", to: "2026-03-01" })).toEqual({
    from: "2026-03-01",
    to: "2026-03-01",
  });
  expect(wider(week, now)).toEqual({ from: "2026-02-23", to: "2026-03-10" });
  expect(shifted(week, -1, now)).toEqual({ from: "2026-02-21", to: "2026-02-28" });
  expect(shifted(week, 1, now)).toEqual({ from: "2026-03-03", to: "2026-03-10" });
});

test("long times have longer bars, cut at the ends", () => {
  expect(unitOf({ from: "2026-01-01", to: "2026-03-10" })).toBe("day");
  const year = rangeOf({ range: "12m" }, now);
  expect(unitOf(year)).toBe("week");
  const weeks = buckets(year, "week");
  expect(weeks).toHaveLength(53);
  expect(weeks[0]).toBe("2025-03-10");
  expect(bucketRange("2026-03-09", "week", year)).toEqual({ from: "2026-03-09", to: "2026-03-10" });
  expect(buckets({ from: "2025-12-30", to: "2026-02-01" }, "month")).toEqual([
    "2025-12-01",
    "2026-01-01",
    "2026-02-01",
  ]);
  expect(bucketRange("2026-02-01", "month", { from: "2025-12-30", to: "2026-12-31" }).to).toBe("2026-02-28");
  expect(bucketTitle("2026-03-09", "week", year)).toContain("–");
});

const row = (day: string, agent: string | null, cost: number, failed = 0): Row => ({
  day,
  agent_id: agent,
  calls: 2,
  failed,
  unpriced: 0,
  estimated: 0,
  input_tokens: 10,
  cached_input_tokens: 5,
  output_tokens: 3,
  cost_usd_micros: cost,
});

test("groups keep their colour whatever is measured, and the smallest have none", () => {
  const rows = [1, 2, 3, 4, 5, 6, 7, 8].map((it) => row("2026-03-01", `agt_${it}`, it, it === 1 ? 2 : 0));
  const byCost = groupsOf(rows, "agent", "cost");
  expect(byCost.map((it) => it.id)).toEqual([8, 7, 6, 5, 4, 3, 2, 1].map((it) => `agt_${it}`));
  expect(byCost.map((it) => it.colour)).toEqual([0, 1, 2, 3, 4, 5, undefined, undefined]);
  const byFailed = groupsOf(rows, "agent", "failed");
  expect(byFailed[0]).toMatchObject({ id: "agt_1", colour: undefined });
  expect(byFailed.find((it) => it.id === "agt_8")?.colour).toBe(0);
});

test("what nobody is named for is a group of its own", () => {
  const rows = [row("2026-03-01", null, 5), row("2026-03-02", null, 1), row("2026-03-02", "agt_1", 3)];
  expect(groupsOf(rows, "agent", "cost").map((it) => [it.id, it.totals.cost])).toEqual([
    ["", 6],
    ["agt_1", 3],
  ]);
  const bars = barsOf(rows, "agent", { from: "2026-03-01", to: "2026-03-03" });
  expect(bars.map((it) => it.totals.cost)).toEqual([5, 4, 0]);
  expect(bars[1]?.parts.get("agt_1")?.cost).toBe(3);
  expect(sum(rows)).toMatchObject({ cost: 9, calls: 6, input: 30, cached: 15, output: 9 });
});

test("shares of nothing are none", () => {
  expect(failureRate({ calls: 0, failed: 0 })).toBeUndefined();
  expect(failureRate({ calls: 4, failed: 1 })).toBe(0.25);
  expect(change(3, 2)).toBe(0.5);
  expect(change(3, 0)).toBeUndefined();
});

test("tables are sorted by what was asked, and then by name", () => {
  const rows = [
    row("2026-03-01", "agt_b", 5, 1),
    row("2026-03-01", "agt_a", 5),
    row("2026-03-01", "agt_c", 9),
  ];
  const groups = groupsOf(rows, "agent", "cost");
  const ids = (sort: Parameters<typeof sorted>[1]) =>
    sorted(groups, sort, (id) => id).map((it) => it.id.slice(-1));
  expect(ids("cost")).toEqual(["c", "a", "b"]);
  expect(ids("name")).toEqual(["a", "b", "c"]);
  expect(ids("rate")).toEqual(["b", "a", "c"]);
});

test("times of calls are by the hour in a week, by the day in more, and never of what is to come", () => {
  const week = { from: "2026-03-04", to: "2026-03-10" };
  expect(stepOf(week)).toBe("hour");
  expect(stepOf({ ...week, from: "2026-03-03" })).toBe("day");
  const places = placesOf(week, now);
  expect(places).toHaveLength(6 * 24 + 16);
  expect(placeName(places.at(-1) ?? 0, "hour").title).toContain("15:00 UTC");
  expect(marksOf(places, "hour")).toEqual([0, 24, 48, 72, 96, 120, 144]);
  expect(marksOf(places.slice(0, 30), "hour")).toBeUndefined();
  expect(placesOf({ from: "2026-03-01", to: "2026-03-10" }, now)).toHaveLength(10);
  expect(daysIn(lookable({ from: "2024-01-01", to: "2026-03-10" }))).toBe(366);
  const rows = [
    { from: "2026-03-04T01:00:00Z", model: "a", p95_ms: 120, first_byte_p95_ms: null },
    { from: "2026-03-04T01:00:00Z", model: "b", p95_ms: 9 },
  ];
  expect(timesOf(rows, "a", places, "whole", "p95").slice(0, 3)).toEqual([undefined, 120, undefined]);
  expect(timesOf(rows, "a", places, "first", "p95").every((it) => it === undefined)).toBe(true);
});

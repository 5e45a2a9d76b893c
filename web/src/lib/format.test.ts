import { expect, test } from "vitest";
import { count, dollars, duration, pretty, shortId } from "./format";

test("durations are as long as they need to be", () => {
  const of = [0, 0.4, 12, 999.4, 1000, 3240, 59_949, 59_950, 64_000, 3_600_000, 7_380_000, 90_000_000];
  expect(of.map(duration)).toEqual([
    "<1 ms",
    "<1 ms",
    "12 ms",
    "999 ms",
    "1 s",
    "3.2 s",
    "59.9 s",
    "1 min",
    "1 min 4 s",
    "1 h",
    "2 h 3 min",
    "1 d 1 h",
  ]);
  expect(duration(Number.NaN)).toBe("");
});

test("money keeps the digits that mean something", () => {
  expect([0, 4, 42, 4200, 99_999, 1_250_000, -4200].map(dollars)).toEqual([
    "$0",
    "$0.000004",
    "$0.000042",
    "$0.0042",
    "$0.100",
    "$1.25",
    "−$0.0042",
  ]);
});

test("counts, ids and values are short", () => {
  expect([7, 999, 1000, 12_345, 999_950, 2_500_000].map(count)).toEqual([
    "7",
    "999",
    "1k",
    "12.3k",
    "1M",
    "2.5M",
  ]);
  expect(shortId("run_01a20065-f1c6-724f-99c7-21182aabfa27")).toBe("run_…abfa27");
  expect(shortId("run_1")).toBe("run_1");
  expect(pretty("a")).toBe("a");
  expect(pretty({ a: 1 })).toBe('{\n  "a": 1\n}');
});

import { expect, test } from "vitest";
import { parseCount, parseDollars, typedDollars } from "./money";

test("dollars are read as they are typed, and nothing else is", () => {
  expect(["20", "$20.50", " 1,000.25 ", "0", ".5", "0.000001", ""].map(parseDollars)).toEqual([
    20_000_000,
    20_500_000,
    1_000_250_000,
    0,
    500_000,
    1,
    null,
  ]);
  for (const bad of ["-1", "1e3", "twenty", "1,00", "1.2.3", "0.0000001", "$", ".", "99999999999"])
    expect(parseDollars(bad), bad).toBeUndefined();
  expect([20_000_000, 20_500_000, 1, 0, null, undefined].map(typedDollars)).toEqual([
    "20",
    "20.50",
    "0.000001",
    "0",
    "",
    "",
  ]);
  for (const micros of [0, 1, 10, 999_999, 1_000_001, 123_456_789])
    expect(parseDollars(typedDollars(micros))).toBe(micros);
});

test("numbers may be short, and are whole", () => {
  expect(["60", "1,000", "20k", "1.5M", "", "0"].map(parseCount)).toEqual([
    60,
    1000,
    20_000,
    1_500_000,
    null,
    0,
  ]);
  for (const bad of ["1.5", "-3", "many", "1kk", "1.00001k"]) expect(parseCount(bad), bad).toBeUndefined();
});

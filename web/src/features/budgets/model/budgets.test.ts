import { expect, test } from "vitest";
import { burnOf } from "./burn";
import { modelsIn, read, typedOf } from "./form";
import { readLimits, typedLimits } from "./limits";
import { dimensionOf, kindOf } from "./scope";

const day = (date: string, cost: number): [string, number] => [date, cost];

test("a month that goes on like this runs out on a day, or lasts", () => {
  const now = Date.parse("2026-04-11T00:00:00Z");
  const byDay = new Map([day("2026-04-01", 40), day("2026-04-10", 60), day("2026-03-31", 999)]);
  const burn = burnOf(byDay, 200, now);
  expect(burn.days).toHaveLength(30);
  expect(burn.spent.slice(0, 12)).toEqual([40, 40, 40, 40, 40, 40, 40, 40, 40, 100, 100, undefined]);
  expect(burn.perDay).toBe(10);
  expect(burn.atEnd).toBe(300);
  expect(burn.projected.slice(9, 13)).toEqual([undefined, 100, 120, 130]);
  expect(burn.outlook).toEqual({ kind: "runs-out", day: "2026-04-20" });
  expect(burnOf(byDay, 301, now).outlook).toEqual({ kind: "lasts", left: 1 });
  expect(burnOf(byDay, 100, now).outlook).toEqual({ kind: "out" });
  expect(burnOf(byDay, undefined, now).outlook).toEqual({ kind: "unlimited" });
});

test("on the first day nobody guesses", () => {
  const now = Date.parse("2026-04-01T09:00:00Z");
  const burn = burnOf(new Map([day("2026-04-01", 5)]), 10, now);
  expect(burn.outlook).toEqual({ kind: "early" });
  expect(burn.projected.every((it) => it === undefined)).toBe(true);
  expect(burnOf(new Map([day("2026-04-01", 10)]), 10, now).outlook).toEqual({ kind: "out" });
});

test("scopes are known by their ids", () => {
  const scopes = ["org", "agt_1", "usr_1", "key_1", "mdl_1", "run_1", "prj_1"];
  expect(scopes.map(kindOf)).toEqual(["org", "agent", "user", "key", "profile", "run", "project"]);
  expect(dimensionOf("org")).toBe("all");
  expect(dimensionOf("run")).toBeUndefined();
});

test("a form says what a budget is, or what is wrong with it", () => {
  const empty = typedOf({});
  expect(read(empty, "org").flaws).toEqual({ models: "none" });
  const typed = { ...empty, daily_usd_micros: "20", tokens_per_minute: "10k" };
  expect(read(typed, "org").body).toEqual({
    daily_usd_micros: 20_000_000,
    monthly_usd_micros: null,
    per_run_usd_micros: null,
    requests_per_minute: null,
    tokens_per_minute: 10_000,
    models: null,
  });
  expect(read({ ...typed, daily_usd_micros: "much", requests_per_minute: "1.5" }, "org").flaws).toEqual({
    daily_usd_micros: "dollars",
    requests_per_minute: "count",
  });
  // What a run has no field for is not sent.
  expect(read({ ...typed, per_run_usd_micros: "1" }, "run").body?.daily_usd_micros).toBeNull();
  expect(modelsIn("main\n openai/* , main\n")).toEqual(["main", "openai/*"]);
  expect(read({ ...typed, someModels: true, models: "a b" }, "org").flaws).toEqual({ models: "model" });
  expect(read({ ...empty, someModels: true }, "org").body?.models).toEqual([]);
  expect(typedOf({ models: ["a", "b"], per_run_usd_micros: 500_000 })).toMatchObject({
    someModels: true,
    models: "a\nb",
    per_run_usd_micros: "0.50",
  });
});

test("limits on tools are read with their units, and never wider than the plan", () => {
  const items = [
    { limit: "tool_calls_per_day", own_max: 200 },
    { limit: "egress_sent_bytes_per_day", own_max: 1_048_576 },
  ];
  const typed = typedLimits({ items, hosts: { own_allowed: null, own_denied: ["*.example.com"] } });
  expect(typed).toMatchObject({
    tool_calls_per_day: "200",
    egress_sent_bytes_per_day: "1 MiB",
    tool_calls_per_minute: "",
    someHosts: false,
    egress_hosts_denied: "*.example.com",
  });
  expect(readLimits(typed, () => undefined).body).toMatchObject({
    tool_calls_per_day: 200,
    egress_sent_bytes_per_day: 1_048_576,
    tool_calls_per_minute: null,
    egress_hosts_allowed: null,
    egress_hosts_denied: ["*.example.com"],
  });
  expect(readLimits(typed, () => 100).flaws).toEqual({
    tool_calls_per_day: "wider",
    egress_sent_bytes_per_day: "wider",
  });
  expect(readLimits({ ...typed, tool_calls_per_minute: "lots" }, () => null).flaws).toEqual({
    tool_calls_per_minute: "count",
  });
  const some = { ...typed, someHosts: true, egress_hosts_allowed: "a.com, b.com\na.com" };
  expect(readLimits(some, () => null).body?.egress_hosts_allowed).toEqual(["a.com", "b.com"]);
});

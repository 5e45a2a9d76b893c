/** What is typed about a budget, and what it says. Pure. */
import { parseCount, parseDollars, typedDollars } from "@/lib/money";
import { hasMonths, type ScopeKind } from "./scope";

export const AMOUNTS = ["daily_usd_micros", "monthly_usd_micros", "per_run_usd_micros"] as const;
export const RATES = ["requests_per_minute", "tokens_per_minute"] as const;
export type Amount = (typeof AMOUNTS)[number];
export type Rate = (typeof RATES)[number];

export type Limits = Partial<Record<Amount | Rate, number | null>>;

export interface Typed extends Record<Amount | Rate, string> {
  /** Whether only some models may be asked. */
  someModels: boolean;
  /** One a line. */
  models: string;
}

const typedCount = (value: number | null | undefined) =>
  value === null || value === undefined ? "" : String(value);

export const typedOf = (it: Limits & { models?: string[] | null }): Typed => ({
  daily_usd_micros: typedDollars(it.daily_usd_micros),
  monthly_usd_micros: typedDollars(it.monthly_usd_micros),
  per_run_usd_micros: typedDollars(it.per_run_usd_micros),
  requests_per_minute: typedCount(it.requests_per_minute),
  tokens_per_minute: typedCount(it.tokens_per_minute),
  someModels: it.models !== null && it.models !== undefined,
  models: (it.models ?? []).join("\n"),
});

export type Flaws = Partial<Record<Amount | Rate | "models", "dollars" | "count" | "model" | "none">>;

/** The amounts of a kind of scope: a run has no day and no month. */
export const amountsOf = (kind: ScopeKind): readonly Amount[] =>
  hasMonths(kind) ? AMOUNTS : ["per_run_usd_micros"];

export const modelsIn = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\n,]/)
      .map((it) => it.trim())
      .filter((it) => it !== ""),
  ),
];

/** What the fields say, or what is wrong with them. */
export function read(
  typed: Typed,
  kind: ScopeKind,
): { flaws: Flaws; body?: Record<Amount | Rate, number | null> & { models: string[] | null } } {
  const flaws: Flaws = {};
  const dollars = (name: Amount) => {
    if (!amountsOf(kind).includes(name)) return null;
    const value = parseDollars(typed[name]);
    if (value === undefined) flaws[name] = "dollars";
    return value ?? null;
  };
  const count = (name: Rate) => {
    const value = parseCount(typed[name]);
    if (value === undefined) flaws[name] = "count";
    return value ?? null;
  };
  const models = typed.someModels ? modelsIn(typed.models) : null;
  if (models?.some((it) => /\s/.test(it))) flaws.models = "model";
  const body = {
    daily_usd_micros: dollars("daily_usd_micros"),
    monthly_usd_micros: dollars("monthly_usd_micros"),
    per_run_usd_micros: dollars("per_run_usd_micros"),
    requests_per_minute: count("requests_per_minute"),
    tokens_per_minute: count("tokens_per_minute"),
    models,
  };
  if (Object.keys(flaws).length > 0) return { flaws };
  if (Object.values(body).every((it) => it === null)) return { flaws: { models: "none" } };
  return { flaws, body };
}

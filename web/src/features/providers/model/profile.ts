/** A profile as it is typed. Pure. */
import type { Schema } from "@/api/client";
import {
  type Flaws as LimitFlaws,
  read as readLimits,
  type Typed as TypedLimits,
  typedOf,
} from "@/features/budgets/model/form";
import { parseCount, parseDollars, typedDollars } from "@/lib/money";
import type { Profile } from "../api/providers";

export const STRATEGIES = ["priority", "weighted", "least_latency", "cheapest"] as const;
export type Strategy = Schema<"Strategy">;
export const CAPABILITIES = ["tools", "images", "thinking", "structured_output"] as const;
export type Capability = Schema<"Capability">;
export type Target = Schema<"TargetBody">;

export interface TypedTarget {
  /** Of this place in the form, whatever stands in it. */
  key: number;
  provider_id: string;
  model: string;
  weight: string;
  context_tokens: string;
  output_tokens_max: string;
  /** All of them, if null. */
  capabilities: Capability[] | null;
  /** Kept as it is. */
  price: Target["price"];
}

export interface TypedProfile {
  name: string;
  description: string;
  strategy: Strategy;
  targets: TypedTarget[];
  temperature: string;
  top_p: string;
  max_output_tokens: string;
  input_price: string;
  output_price: string;
  cached_price: string;
  /** Kept as it is: what is rarer than these. */
  price: Profile["price"];
  limits: TypedLimits;
}

const text = (value: number | null | undefined) => (typeof value === "number" ? String(value) : "");
let lastKey = 0;

const nextKey = () => {
  lastKey += 1;
  return lastKey;
};

export const emptyTarget = (provider_id = "", model = ""): TypedTarget => ({
  key: nextKey(),
  provider_id,
  model,
  weight: "1",
  context_tokens: "",
  output_tokens_max: "",
  capabilities: null,
  price: null,
});

export const typedProfile = (it?: Profile): TypedProfile => ({
  name: it?.name ?? "",
  description: it?.description ?? "",
  strategy: it?.strategy ?? "priority",
  targets: it
    ? it.targets.map((target) => ({
        ...emptyTarget(target.provider_id, target.model),
        weight: text(target.weight ?? 1),
        context_tokens: text(target.context_tokens),
        output_tokens_max: text(target.output_tokens_max),
        capabilities: target.capabilities ?? null,
        price: target.price ?? null,
      }))
    : [emptyTarget()],
  temperature: text(it?.params.temperature),
  top_p: text(it?.params.top_p),
  max_output_tokens: text(it?.params.max_output_tokens),
  input_price: typedDollars(it?.price?.input_usd_micros),
  output_price: typedDollars(it?.price?.output_usd_micros),
  cached_price: typedDollars(it?.price?.cached_input_usd_micros),
  price: it?.price ?? null,
  limits: typedOf(it?.budget ?? {}),
});

/** The list with one of its entries one place further up or down. */
export function moved<T>(list: readonly T[], at: number, by: -1 | 1): T[] {
  const to = at + by;
  const next = [...list];
  const [one, other] = [next[at], next[to]];
  if (one === undefined || other === undefined) return next;
  next[at] = other;
  next[to] = one;
  return next;
}

export type ProfileFlaw = "name" | "empty" | "count" | "dollars" | "share" | "both";
export interface ProfileFlaws {
  fields: Record<string, ProfileFlaw>;
  limits: LimitFlaws;
}

/** What the fields say, or what is wrong with them, by the pointers that the server uses too. */
export function readProfile(typed: TypedProfile): { flaws: ProfileFlaws; body?: Schema<"NewProfile"> } {
  const fields: Record<string, ProfileFlaw> = {};
  const number = (pointer: string, value: string, most: number) => {
    if (value.trim() === "") return null;
    const found = Number(value.trim().replace(",", "."));
    if (!Number.isFinite(found) || found < 0 || found > most) fields[pointer] = "share";
    return found;
  };
  const count = (pointer: string, value: string) => {
    const found = parseCount(value);
    if (found === undefined) fields[pointer] = "count";
    return found ?? null;
  };
  const dollars = (pointer: string, value: string) => {
    const found = parseDollars(value);
    if (found === undefined) fields[pointer] = "dollars";
    return found ?? null;
  };
  if (!/^[A-Za-z0-9._-]+$/.test(typed.name)) fields["/name"] = "name";
  const targets = typed.targets.map((it, at): Target => {
    const pointer = `/targets/${at}`;
    if (it.provider_id === "") fields[`${pointer}/provider_id`] = "empty";
    if (it.model.trim() === "") fields[`${pointer}/model`] = "empty";
    const context = count(`${pointer}/context_tokens`, it.context_tokens);
    const output = count(`${pointer}/output_tokens_max`, it.output_tokens_max);
    return {
      provider_id: it.provider_id,
      model: it.model.trim(),
      weight: count(`${pointer}/weight`, it.weight) ?? 1,
      ...(context === null ? {} : { context_tokens: context }),
      ...(output === null ? {} : { output_tokens_max: output }),
      ...(it.capabilities === null ? {} : { capabilities: it.capabilities }),
      ...(it.price ? { price: it.price } : {}),
    };
  });
  if (targets.length === 0) fields["/targets"] = "empty";
  const input = dollars("/price/input_usd_micros", typed.input_price);
  const output = dollars("/price/output_usd_micros", typed.output_price);
  const cached = dollars("/price/cached_input_usd_micros", typed.cached_price);
  const isPriced = input !== null || output !== null || cached !== null;
  if (isPriced && (input === null || output === null) && !fields["/price/input_usd_micros"])
    fields["/price/input_usd_micros"] = "both";
  const { flaws: limits, body: budget } = readLimits(typed.limits, "org");
  const isLimited = Object.values(typed.limits).some((it) => typeof it === "string" && it.trim() !== "");
  if (isLimited && !budget) return { flaws: { fields, limits } };
  const params = {
    temperature: number("/params/temperature", typed.temperature, 2),
    top_p: number("/params/top_p", typed.top_p, 1),
    max_output_tokens: count("/params/max_output_tokens", typed.max_output_tokens),
  };
  if (Object.keys(fields).length > 0) return { flaws: { fields, limits: {} } };
  const { models: _, ...sums } = budget ?? { models: null };
  return {
    flaws: { fields, limits: {} },
    body: {
      name: typed.name,
      description: typed.description,
      strategy: typed.strategy,
      targets,
      params,
      price:
        input === null || output === null
          ? null
          : {
              ...typed.price,
              input_usd_micros: input,
              output_usd_micros: output,
              cached_input_usd_micros: cached,
            },
      budget: isLimited && budget ? sums : null,
    },
  };
}

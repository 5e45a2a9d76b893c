/** Limits on tools: their numbers and hosts, as they are typed. Pure. */
import { parseBytes, typedBytes } from "@/lib/bytes";
import { parseCount } from "@/lib/money";

export const TOOL_LIMITS = [
  "tool_calls_per_minute",
  "tool_calls_per_day",
  "tool_calls_concurrent",
  "egress_sent_bytes_per_day",
  "egress_received_bytes_per_day",
  "egress_hosts_per_day",
] as const;
export type ToolLimit = (typeof TOOL_LIMITS)[number];

export const isToolLimit = (name: string): name is ToolLimit => TOOL_LIMITS.some((it) => it === name);

export const unitOf = (limit: ToolLimit): "bytes" | "count" => (limit.includes("bytes") ? "bytes" : "count");

export interface TypedLimits extends Record<ToolLimit, string> {
  someHosts: boolean;
  egress_hosts_allowed: string;
  egress_hosts_denied: string;
}

interface Standing {
  items: readonly { limit: string; own_max?: number | null }[];
  hosts: { own_allowed?: string[] | null; own_denied: string[] };
}

export function typedLimits({ items, hosts }: Standing): TypedLimits {
  const own = (limit: ToolLimit) => items.find((it) => it.limit === limit)?.own_max;
  const numbers = Object.fromEntries(
    TOOL_LIMITS.map((it) => {
      const value = own(it);
      return [
        it,
        unitOf(it) === "bytes" ? typedBytes(value) : typeof value === "number" ? String(value) : "",
      ];
    }),
  ) as Record<ToolLimit, string>;
  return {
    ...numbers,
    someHosts: Array.isArray(hosts.own_allowed),
    egress_hosts_allowed: (hosts.own_allowed ?? []).join("\n"),
    egress_hosts_denied: hosts.own_denied.join("\n"),
  };
}

export const hostsIn = (text: string): string[] => [
  ...new Set(text.split(/[\s,]+/).filter((it) => it !== "")),
];

export type LimitFlaw = "count" | "bytes" | "wider";

export type OwnLimits = Record<ToolLimit, number | null> & {
  egress_hosts_allowed: string[] | null;
  egress_hosts_denied: string[] | null;
};

/** What the fields say, or what is wrong with them. A limit of one's own can't be wider than the plan's. */
export function readLimits(
  typed: TypedLimits,
  planMax: (limit: ToolLimit) => number | null | undefined,
): { flaws: Partial<Record<ToolLimit, LimitFlaw>>; body?: OwnLimits } {
  const flaws: Partial<Record<ToolLimit, LimitFlaw>> = {};
  const numbers = TOOL_LIMITS.map((limit): [ToolLimit, number | null] => {
    const unit = unitOf(limit);
    const value = unit === "bytes" ? parseBytes(typed[limit]) : parseCount(typed[limit]);
    const plan = planMax(limit);
    if (value === undefined) flaws[limit] = unit;
    else if (value !== null && typeof plan === "number" && value > plan) flaws[limit] = "wider";
    return [limit, value ?? null];
  });
  if (Object.keys(flaws).length > 0) return { flaws };
  const denied = hostsIn(typed.egress_hosts_denied);
  return {
    flaws,
    body: {
      ...(Object.fromEntries(numbers) as Record<ToolLimit, number | null>),
      egress_hosts_allowed: typed.someHosts ? hostsIn(typed.egress_hosts_allowed) : null,
      egress_hosts_denied: denied.length > 0 ? denied : null,
    },
  };
}

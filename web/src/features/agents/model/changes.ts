/** What differs between two versions of an agent, as people read it. Pure. */
import type { Schema } from "@/api/client";
import type { HistoryEvent } from "@/features/record/api/history";
import { diffLines, type Line } from "@/lib/diff";
import { dollars, pretty } from "@/lib/format";
import { t } from "@/strings";

export type Shown =
  | { kind: "text"; lines: Line[] }
  | { kind: "list"; added: string[]; removed: string[] }
  | { kind: "value"; from: string; to: string };

/** Names of profiles by their ids. */
type Names = ReadonlyMap<string, string>;

export function shownChange({ member, from, to }: Schema<"ChangeView">, profiles: Names): Shown {
  if (Array.isArray(from) || Array.isArray(to)) {
    const [before, after] = [texts(from), texts(to)];
    return {
      kind: "list",
      added: after.filter((it) => !before.includes(it)),
      removed: before.filter((it) => !after.includes(it)),
    };
  }
  const isLong = [from, to].some((it) => typeof it === "object" && it !== null);
  if (isLong || member === "instructions" || member === "description") {
    return { kind: "text", lines: diffLines(textOf(from), textOf(to)) };
  }
  return { kind: "value", from: shownValue(member, from, profiles), to: shownValue(member, to, profiles) };
}

const texts = (value: unknown) =>
  Array.isArray(value) ? value.filter((it): it is string => typeof it === "string") : [];
const textOf = (value: unknown) => (value === null || value === undefined ? "" : pretty(value));

function shownValue(member: string, value: unknown, profiles: Names): string {
  if (value === null || value === undefined) return t.agents.versions.none;
  if (member === "budget_usd_micros" && typeof value === "number") return dollars(value);
  if (member === "model_profile_id" && typeof value === "string") return profiles.get(value) ?? value;
  return pretty(value);
}

export interface Made {
  by: string | undefined;
  /** The version that it is again. */
  again: number | undefined;
  seq: number;
}

/** Who made which version, as the record says. */
export function makersOf(events: readonly HistoryEvent[], agentId: string): ReadonlyMap<number, Made> {
  const made = new Map<number, Made>();
  for (const { subject, data, actor, seq } of events) {
    if (subject !== agentId || typeof data.version !== "number") continue;
    const again = typeof data.rolled_back_to === "number" ? data.rolled_back_to : undefined;
    made.set(data.version, { by: actor.user, again, seq });
  }
  return made;
}

/** Whose spending is counted together, by its text: `org`, or an id. Pure. */
import type { Dimension } from "@/features/usage/model/series";

export const SCOPE_KINDS = ["org", "agent", "user", "key", "profile", "run", "project"] as const;
export type ScopeKind = (typeof SCOPE_KINDS)[number];

const prefixes: Record<string, ScopeKind> = {
  agt: "agent",
  usr: "user",
  key: "key",
  mdl: "profile",
  run: "run",
  prj: "project",
};

export const kindOf = (scope: string): ScopeKind => prefixes[scope.split("_")[0] ?? ""] ?? "org";

/** What usage is told apart by to see this scope in it; none for all of it, undefined where it can't be. */
export function dimensionOf(kind: ScopeKind): Dimension | undefined | "all" {
  switch (kind) {
    case "org":
      return "all";
    case "agent":
    case "user":
    case "key":
    case "profile":
    case "project":
      return kind;
    case "run":
      return undefined;
  }
}

/** A run has a limit in all, and no day or month. */
export const hasMonths = (kind: ScopeKind) => kind !== "run";

/** How a request is shown: in one line, and exactly. Plain functions, without JSX. */
import { diffLines, type Line } from "@/lib/diff";
import type { Approval } from "../api/approvals";

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

/** What a target is called: a path, a request, a skill, an agent. */
export function targetName(target: unknown): string {
  if (typeof target !== "object" || target === null) return "";
  const it = target as Record<string, unknown>;
  switch (it.kind) {
    case "file":
      return text(it.path) ?? "";
    case "http":
      return [text(it.method), httpAddress(it)].filter(Boolean).join(" ");
    default:
      return text(it.name) ?? text(it.path) ?? text(it.id) ?? text(it.command) ?? text(it.kind) ?? "";
  }
}

function httpAddress(it: Record<string, unknown>): string {
  const scheme = text(it.scheme) ?? "https";
  const usual = scheme === "https" ? 443 : 80;
  const port = typeof it.port === "number" && it.port !== usual ? `:${it.port}` : "";
  return `${scheme}://${text(it.host) ?? ""}${port}${text(it.path) ?? ""}`;
}

/** The arguments of a request: those that are a change of a file as a difference, the rest as they are. */
export interface Shown {
  diff: Line[] | undefined;
  /** Whether the file is written whole, so that the difference does not say what was there. */
  writesWhole: boolean;
  rest: [name: string, value: string][];
}

export function shownArguments(tool: string, args: unknown): Shown {
  const all = typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {};
  const take = (names: string[]) =>
    Object.entries(all)
      .filter(([name]) => !names.includes(name))
      .map(([name, value]): [string, string] => [name, text(value) ?? JSON.stringify(value, null, 2)]);
  const { content, old, new: replacement } = all;
  if (tool === "file.write" && typeof content === "string") {
    return { diff: diffLines("", content), writesWhole: true, rest: take(["content"]) };
  }
  if (tool === "file.edit" && typeof old === "string" && typeof replacement === "string") {
    return { diff: diffLines(old, replacement), writesWhole: false, rest: take(["old", "new"]) };
  }
  return { diff: undefined, writesWhole: false, rest: take([]) };
}

/** Whether this person can answer it, and if not, why. */
export function mayAnswer(
  approval: Pick<Approval, "four_eyes" | "requested_by" | "status">,
  who: { userId: string; isMember: boolean },
): "yes" | "viewer" | "own" | "decided" {
  if (approval.status !== "pending") return "decided";
  if (!who.isMember) return "viewer";
  if (approval.four_eyes && approval.requested_by === who.userId) return "own";
  return "yes";
}

/** The sentence of the server names the agent by its id; people know it by its name. */
export function withNames(sentence: string, name: (id: string) => string): string {
  return sentence.replace(/\bagt_[0-9a-f-]{36}\b/g, (id) => `“${name(id)}”`);
}

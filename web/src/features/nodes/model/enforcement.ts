/** What a node can really enforce, as it found out by trying; read out of what it says. Pure. */
import { isObject } from "@/lib/json";
import { t } from "@/strings";
import type { BadgeTone } from "@/ui/Badge";
import type { Node } from "../api/nodes";

const s = t.nodes;

export const LEVELS = ["enforced", "partial", "advisory", "unavailable", "unknown"] as const;
export type Level = (typeof LEVELS)[number];

export interface Gap {
  code: string;
  /** Why, as the node says it: foreign text. */
  detail: string;
}

export interface Driver {
  name: string;
  level: Level;
  mechanisms: string[];
  gaps: Gap[];
}

export interface Enforcement {
  level: Level;
  drivers: Driver[];
}

const text = (value: unknown) => (typeof value === "string" ? value : "");
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const levelOf = (value: unknown): Level => LEVELS.find((it) => it === value) ?? "unknown";

/** Reads it; nothing is known of a node that has never connected. */
export function enforcementOf(node: Pick<Node, "enforcement">): Enforcement {
  const it = node.enforcement as unknown;
  if (!isObject(it)) return { level: "unknown", drivers: [] };
  return { level: levelOf(it.level), drivers: list(it.drivers).filter(isObject).map(driverOf) };
}

const driverOf = (it: Record<string, unknown>): Driver => ({
  name: text(it.driver),
  level: levelOf(it.level),
  mechanisms: list(it.mechanisms).filter((name) => typeof name === "string"),
  gaps: list(it.gaps)
    .filter(isObject)
    .map((gap) => ({ code: text(gap.code), detail: text(gap.detail) })),
});

export function levelTone(level: Level): BadgeTone {
  switch (level) {
    case "enforced":
      return "ok";
    case "partial":
    case "advisory":
      return "warn";
    case "unavailable":
      return "bad";
    case "unknown":
      return "plain";
  }
}

const runsCode = (driver: Driver) => driver.name !== "files";

/** What can't be done on this node, whatever policies allow; each as a sentence. */
export function refusalsOf({ drivers, level }: Enforcement): string[] {
  if (drivers.length === 0) return [];
  const refusals: string[] = [];
  const isGone = (driver: Driver) => driver.level === "unavailable";
  const sandboxes = drivers.filter(runsCode);
  const files = drivers.find((it) => it.name === "files");
  if (sandboxes.every(isGone)) refusals.push(s.page.refusesSkills);
  else
    for (const it of sandboxes.filter(isGone))
      refusals.push(s.page.refusesDriver(s.drivers[it.name] ?? it.name));
  if (!files || isGone(files)) refusals.push(s.page.refusesFiles);
  if (level !== "enforced" && level !== "unknown" && !sandboxes.every(isGone))
    refusals.push(s.page.refusesRequired);
  return refusals;
}

/** What a mechanism does, in plain words; the name itself if nobody has said it yet. */
export function mechanismName(name: string): string {
  const known = s.mechanisms[name];
  if (known) return known;
  // `cgroup-v1-memory`, `cgroup-v2-pids`.
  const cgroup = /^cgroup-v\d-(.+)$/.exec(name)?.[1];
  return (cgroup && s.cgroup[cgroup]) || name;
}

export function statusTone(status: string): BadgeTone {
  switch (status) {
    case "connected":
      return "ok";
    case "enrolled":
      return "accent";
    case "disconnected":
      return "warn";
    default:
      return "plain";
  }
}

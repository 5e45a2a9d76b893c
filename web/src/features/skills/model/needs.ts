/** What a skill's command is given, as people read it. Pure. */
import { count, duration } from "@/lib/format";
import { isObject } from "@/lib/json";
import { t } from "@/strings";

const s = t.skills.page;
const KIB = 1024;

export function bytesName(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  if (bytes < KIB * KIB) return `${trim(bytes / KIB)} KiB`;
  return `${trim(bytes / KIB / KIB)} MiB`;
}

const trim = (amount: number) => amount.toFixed(1).replace(/\.0$/, "");

/** Names and values, in an order that begins with what is most dangerous. */
export function needsOf(value: unknown): [name: string, value: string][] {
  if (!isObject(value)) return [];
  const { network, workspace, memory_bytes, timeout_ms, processes, driver, enforcement } = value;
  const rows: [string, string][] = [
    [s.network, network === true ? s.networkYes : s.networkNo],
    [s.workspace, s.workspaces[String(workspace ?? "none")] ?? String(workspace)],
    [s.memory, typeof memory_bytes === "number" ? bytesName(memory_bytes) : s.asJob],
    [s.time, typeof timeout_ms === "number" ? duration(timeout_ms) : s.asJob],
    [s.processes, typeof processes === "number" ? count(processes) : s.asJob],
  ];
  if (typeof driver === "string") rows.push([s.driver, t.nodes.drivers[driver] ?? driver]);
  if (typeof enforcement === "string") rows.push([s.enforcement, t.nodes.levels[enforcement] ?? enforcement]);
  return rows;
}

/** Events of the record, as streams and lists hand them out. What an event says depends on its kind. */
import { fields } from "@/lib/fields";
import type { Frame } from "./sse";

/** The chain of who acted, as ids. */
export type Actor = Partial<Record<"user" | "key" | "agent" | "run" | "node" | "system", string>>;

export interface RecordEvent {
  seq: number;
  kind: string;
  at: string;
  run: string | undefined;
  session: string | undefined;
  actor: Actor;
  data: Record<string, unknown>;
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

/** Reads an event; undefined if it is none. */
export function eventOf(value: unknown): RecordEvent | undefined {
  const { seq, kind, at, run, session, actor, data } = fields(value);
  if (typeof seq !== "number" || typeof kind !== "string") return undefined;
  return {
    seq,
    kind,
    at: text(at) ?? "",
    run: text(run),
    session: text(session),
    actor: fields(actor) as Actor,
    data: fields(data),
  };
}

/** Events of two readings as one, by their numbers: nothing twice, and nothing lost that only one has. */
export function merged(known: readonly RecordEvent[], more: readonly RecordEvent[]): RecordEvent[] {
  const last = known.at(-1)?.seq ?? 0;
  const fresh = more.filter((it) => it.seq > last);
  // Almost always what comes is what follows.
  if (more.every((it) => it.seq > last)) return [...known, ...fresh];
  const bySeq = new Map([...known, ...more].map((it) => [it.seq, it]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** What the last event of a run is called. */
export const RUN_OVER = /^run\.(succeeded|failed|cancelled)$/;

/** Whether these events of a run go to its end. */
export const reachEnd = (events: readonly RecordEvent[]) => RUN_OVER.test(events.at(-1)?.kind ?? "");

/** Reads the event of a frame, or what is live, by the frame's own kind. */
export function dataOf(frame: Frame): Record<string, unknown> {
  try {
    return fields(JSON.parse(frame.data));
  } catch {
    return {};
  }
}

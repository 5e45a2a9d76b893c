/** Events of the record, as streams and lists hand them out. What an event says depends on its kind. */
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
const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

/** Reads an event; undefined if it is none. */
export function eventOf(value: unknown): RecordEvent | undefined {
  const { seq, kind, at, run, session, actor, data } = record(value);
  if (typeof seq !== "number" || typeof kind !== "string") return undefined;
  return {
    seq,
    kind,
    at: text(at) ?? "",
    run: text(run),
    session: text(session),
    actor: record(actor) as Actor,
    data: record(data),
  };
}

/** Reads the event of a frame, or what is live, by the frame's own kind. */
export function dataOf(frame: Frame): Record<string, unknown> {
  try {
    return record(JSON.parse(frame.data));
  } catch {
    return {};
  }
}

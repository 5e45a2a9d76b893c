/** An act of power as a sentence. Names come from those who are here now, or from the event. */
import type { RecordEvent } from "@/api/events";
import { shortId } from "@/lib/format";
import { t } from "@/strings";
import type { Facts } from "@/strings/acts";
import type { ActKind } from "./kinds";

const s = t.acts;
const text = (value: unknown) => (typeof value === "string" ? value : "");
const texts = (value: unknown) =>
  Array.isArray(value) ? value.filter((it): it is string => typeof it === "string") : [];

export const isAct = (kind: string): kind is ActKind => Object.hasOwn(s.said, kind);

/** A rotation of the data key is recorded again as it goes on; only its beginning is somebody's act. */
export const isSomebodysAct = ({ kind, data }: RecordEvent) =>
  isAct(kind) &&
  !(kind === "data_key.rotated" && (data.resealed !== undefined || data.retired !== undefined));

export interface Names {
  /** The name of a person or agent by its id. */
  of(id: string): string;
  /** What else is called something: keys and invitations. */
  other(id: string): string | undefined;
}

function nameOf(event: RecordEvent, subject: string, names: Names): string {
  const own = text(event.data.name);
  if (own !== "") return own;
  if (subject.startsWith("usr_") || subject.startsWith("agt_")) return names.of(subject);
  if (subject === "org") return "the organisation";
  return names.other(subject) ?? (subject.startsWith("inv_") ? s.somebody : shortId(subject));
}

export function factsOf(event: RecordEvent, subject: string, names: Names): Facts {
  const { data } = event;
  const role = text(data.role);
  return {
    name: nameOf(event, subject, names),
    role: t.shell.roles[role as keyof typeof t.shell.roles] ?? role,
    version: data.version,
    isSuspended: data.suspended === true,
    isOwn: event.actor.user === subject,
    tools: texts(data.tools),
    agents: texts(data.agents).map(names.of),
    isProvider: data.provider !== undefined,
    recording: text(data.recording),
    plan: text(data.plan),
  };
}

/** What was done, to go after the name of who did it. */
export function saying(event: RecordEvent, subject: string, names: Names): string {
  return isAct(event.kind) ? s.said[event.kind](factsOf(event, subject, names)) : event.kind;
}

/** The day that something belongs to, as people say it. */
export function dayOf(at: string, now: number): string {
  const day = new Date(at).toDateString();
  if (day === new Date(now).toDateString()) return s.today;
  if (day === new Date(now - 86_400_000).toDateString()) return s.yesterday;
  return new Date(at).toLocaleDateString(undefined, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

/** Those of one day together, as they stand. */
export function byDay<T extends { event: RecordEvent }>(acts: readonly T[], now: number): [string, T[]][] {
  const days = new Map<string, T[]>();
  for (const act of acts) {
    const day = dayOf(act.event.at, now);
    days.set(day, [...(days.get(day) ?? []), act]);
  }
  return [...days];
}

/** What somebody has written and not published yet. It outlives a reload, in this tab alone. */
/** `who`: the person and the organisation; see `useIdentity`. */
const key = (who: string, name: string) => `chancery.policy.${who}.${name}`;

export const keptDraft = (who: string, name: string) => sessionStorage.getItem(key(who, name)) ?? undefined;

export function keepDraft(who: string, name: string, text: string | undefined) {
  if (text === undefined) sessionStorage.removeItem(key(who, name));
  else sessionStorage.setItem(key(who, name), text);
}

/** The person in a chain of who acted, or else the first that is named in it. */
export function publisherOf(actor: Record<string, unknown>): string | undefined {
  const named = [actor.user, actor.agent, actor.key].find((it) => typeof it === "string");
  return named as string | undefined;
}

export const isName = (name: string) => /^[A-Za-z0-9._-]{1,100}$/.test(name);

/** How many rules a text has, as far as that can be seen without understanding it. */
export function rulesIn(cedar: string): number {
  const bare = cedar.replace(/\/\/[^\n]*/g, "").replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return bare.match(/\b(?:permit|forbid)\s*\(/g)?.length ?? 0;
}

export interface Flip {
  id: string;
  run: string | undefined;
  step: number | undefined;
  at: string;
  tool: string;
  target: unknown;
  recorded: string;
  simulated: string;
  reason: string;
}

/** Reads a flip of a simulation; undefined if it is none. */
export function flipOf(value: unknown): Flip | undefined {
  const it = value as Record<string, unknown>;
  const text = (name: string) => (typeof it[name] === "string" ? (it[name] as string) : "");
  if (typeof value !== "object" || value === null || text("event_id") === "") return undefined;
  return {
    id: text("event_id"),
    run: text("run_id") || undefined,
    step: typeof it.step === "number" ? it.step : undefined,
    at: text("at"),
    tool: text("tool"),
    target: it.target,
    recorded: text("recorded"),
    simulated: text("simulated"),
    reason: text("reason"),
  };
}

const DAY = 86_400_000;

/** From when on decisions are simulated; none for all time. */
export const fromDays = (days: number, now: number) =>
  days === 0 ? undefined : new Date(now - days * DAY).toISOString();

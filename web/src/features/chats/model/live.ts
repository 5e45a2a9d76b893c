/** What a chat's stream says of this moment: who writes what, who is here. Pure. */

export interface Writing {
  runId: string;
  agentId: string;
  text: string;
}

export interface Live {
  writing: readonly Writing[];
  /** The runs that have ended. What they wrote stands until their answers were read, and nothing is added. */
  over: readonly string[];
  present: readonly string[];
  /** Who is typing, and when that was last heard. */
  typing: Readonly<Record<string, number>>;
}

export const quiet: Live = { writing: [], over: [], present: [], typing: {} };

type Data = Record<string, unknown>;
const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const texts = (value: unknown) => (Array.isArray(value) ? value.filter((it) => typeof it === "string") : []);

/** How long somebody counts as typing after the last sign of it. */
export const TYPING_MS = 4000;

export function heard(live: Live, kind: string, data: Data, now: number): Live {
  switch (kind) {
    case "message.delta":
      return live.over.includes(text(data.run_id) ?? "")
        ? live
        : { ...live, writing: written(live.writing, data) };
    case "presence":
      return { ...live, present: presence(live.present, data) };
    case "typing": {
      const user = text(data.user_id);
      return user ? { ...live, typing: { ...live.typing, [user]: now } } : live;
    }
    case "run.succeeded":
    case "run.failed":
    case "run.cancelled":
      return { ...live, over: [...live.over, text(data.run) ?? ""] };
    case "message.posted": {
      const author = text((data.data as Data | undefined)?.author) ?? "";
      const { [author]: _, ...typing } = live.typing;
      return { ...live, typing };
    }
    default:
      return live;
  }
}

/** The chat was read again since these runs ended: if they answered, the answer is there. */
export const wasRead = (live: Live, runs: readonly string[]): Live => ({
  ...live,
  writing: live.writing.filter((it) => !runs.includes(it.runId)),
});

function written(writing: readonly Writing[], data: Data): readonly Writing[] {
  const runId = text(data.run_id);
  if (!runId) return writing;
  const piece = text(data.text) ?? "";
  const known = writing.find((it) => it.runId === runId);
  const next = {
    runId,
    agentId: text(data.agent_id) ?? "",
    text: data.reset === true ? piece : (known?.text ?? "") + piece,
  };
  return known ? writing.map((it) => (it === known ? next : it)) : [...writing, next];
}

function presence(present: readonly string[], data: Data): readonly string[] {
  const come = texts(data.present);
  if (data.reset === true) return come;
  const gone = new Set(texts(data.gone));
  return [...new Set([...present, ...come])].filter((it) => !gone.has(it));
}

export const typingNow = (live: Live, now: number) =>
  Object.entries(live.typing)
    .filter(([, at]) => now - at < TYPING_MS)
    .map(([user]) => user);

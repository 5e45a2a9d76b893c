/** What concerns one person, out of what happens in the organisation. Pure; names come from outside. */
import type { RecordEvent } from "@/api/events";
import { t } from "@/strings";

const s = t.notifications;

export type NoticeKind = "approval" | "failed" | "ended" | "mention" | "budget" | "node";

export interface Notice {
  id: string;
  kind: NoticeKind;
  /** When; nothing for what has no instant, such as a budget that is nearly spent. */
  at: string | undefined;
  title: string;
  detail: string | undefined;
  href: string;
  /** Ids that an address has in it when somebody looks at what this is about. */
  about: readonly string[];
}

/** The kinds of events that may concern somebody, and whether only those of one's own do. */
export const HEARD: readonly { kind: string; mine: boolean }[] = [
  { kind: "run.failed", mine: true },
  { kind: "run.succeeded", mine: true },
  { kind: "message.posted", mine: false },
  { kind: "node.disconnected", mine: false },
  { kind: "node.connected", mine: false },
];

/** An event with what it happened to. */
export interface Heard {
  event: RecordEvent;
  subject: string;
}

/** Two lists of events as one, each event once. */
export const together = (a: readonly Heard[], b: readonly Heard[]): Heard[] => [
  ...new Map([...a, ...b].map((it) => [it.event.seq, it])).values(),
];

type Name = (id: string | undefined) => string;

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const present = (ids: readonly (string | undefined)[]) => ids.filter((it): it is string => it !== undefined);

function ofRun({ seq, kind, at, run, session, actor, data }: RecordEvent, name: Name): Notice | undefined {
  const agent = name(actor.agent);
  const about = present([run, session]);
  if (kind === "run.failed" && run) {
    return {
      id: `failed:${seq}`,
      kind: "failed",
      at,
      title: s.of.failed(agent),
      detail: text(data.code),
      href: `/runs/${run}`,
      about,
    };
  }
  // What ended well is told where somebody waits for an answer.
  if (kind !== "run.succeeded" || !session || !actor.agent) return undefined;
  return {
    id: `ended:${seq}`,
    kind: "ended",
    at,
    title: s.of.ended(agent),
    detail: s.details.ended,
    href: `/chats/${session}`,
    about,
  };
}

function ofEvent({ event, subject }: Heard, me: string, name: Name): Notice | undefined {
  const { seq, kind, at, session, actor, data } = event;
  switch (kind) {
    case "run.failed":
    case "run.succeeded":
      return actor.user === me ? ofRun(event, name) : undefined;
    case "message.posted": {
      const mentions = Array.isArray(data.mentions) ? data.mentions : [];
      const author = text(data.author);
      if (!session || author === me || !mentions.includes(me)) return undefined;
      return {
        id: `mention:${seq}`,
        kind: "mention",
        at,
        title: s.of.mention(name(author)),
        detail: s.details.mention,
        href: `/chats/${session}`,
        about: [session],
      };
    }
    case "node.disconnected":
      return {
        id: `node:${seq}`,
        kind: "node",
        at,
        title: s.of.node(name(subject)),
        detail: s.details.node,
        href: `/nodes/${subject}`,
        about: [subject],
      };
    default:
      return undefined;
  }
}

/** What the events say, newest first: of a chat only the newest end, and of a node only that it is away now. */
export function noticesOf(heard: readonly Heard[], me: string, name: Name): Notice[] {
  const notices: Notice[] = [];
  const told = new Set<string>();
  for (const it of heard.toSorted((a, b) => b.event.seq - a.event.seq)) {
    const { kind, session } = it.event;
    const isNode = kind.startsWith("node.");
    const once = isNode ? it.subject : kind === "run.succeeded" && session ? `ended ${session}` : undefined;
    if (once) {
      if (told.has(once)) continue;
      told.add(once);
    }
    const notice = ofEvent(it, me, name);
    if (notice) notices.push(notice);
  }
  return notices;
}

export interface Budget {
  scope: string;
  daily_usd_micros?: number | null;
  monthly_usd_micros?: number | null;
  spent_today_usd_micros: number;
  spent_usd_micros: number;
}

const NEAR = 0.8;

/** Budgets that are near their end or over it; each is told once a day or month, and again when it is over. */
export function budgetNotices(
  budgets: readonly Budget[],
  now: number,
  name: (scope: string) => string,
): Notice[] {
  const day = new Date(now).toISOString().slice(0, 10);
  return budgets.flatMap((it) => {
    const periods = [
      { period: s.periods.day, since: day, limit: it.daily_usd_micros, spent: it.spent_today_usd_micros },
      {
        period: s.periods.month,
        since: day.slice(0, 7),
        limit: it.monthly_usd_micros,
        spent: it.spent_usd_micros,
      },
    ];
    return periods.flatMap(({ period, since, limit, spent }): Notice[] => {
      if (typeof limit !== "number" || it.scope.startsWith("run_") || spent < limit * NEAR) return [];
      const isOver = spent >= limit;
      const percent = limit === 0 ? 100 : Math.floor((spent / limit) * 100);
      return [
        {
          id: `budget:${it.scope}:${period}:${isOver ? "over" : "near"}:${since}`,
          kind: "budget",
          at: undefined,
          title: isOver ? s.of.over(name(it.scope), period) : s.of.near(name(it.scope), percent, period),
          detail: undefined,
          href: `/budgets/${it.scope}`,
          about: [],
        },
      ];
    });
  });
}

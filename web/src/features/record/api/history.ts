/** What the record says of the life of one thing: who made it, who changed it, when. */
import { queryOptions } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { eventOf, type RecordEvent } from "@/api/events";

/** Of kinds that are rare, such as `agent.updated`: all events of them are read. */
const PAGES_MAX = 20;

export interface HistoryEvent extends RecordEvent {
  /** The id of what the event is about. */
  subject: string | undefined;
}

async function eventsOf(query: Record<string, string | number>): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const params = { query: { limit: 200, ...query, ...(cursor ? { cursor } : {}) } };
    // The same address is a stream for whoever accepts one.
    const answer = (await take(api.GET("/v1/audit/events", { params }))) as Schema<"Page_EventView">;
    for (const item of answer.items) {
      const event = eventOf(item.event);
      const { subject } = item.event as Record<string, unknown>;
      if (event) events.push({ ...event, subject: typeof subject === "string" ? subject : undefined });
    }
    if (!answer.next_cursor) break;
    cursor = answer.next_cursor;
  }
  return events;
}

/** The newest first. `about` makes it old again: the first word of the key that lists of such things have. */
export const historyQuery = (about: string, kinds: readonly string[]) =>
  queryOptions({
    queryKey: [about, "history", kinds],
    queryFn: async () => {
      const lists = await Promise.all(kinds.map((kind) => eventsOf({ kind })));
      return lists.flat().toSorted((a, b) => b.seq - a.seq);
    },
  });

/** How far back in the record calls are looked for. */
const WINDOW = 10_000;

/** The latest calls of a tool, the newest first. */
export const callsQuery = (tool: string) =>
  queryOptions({
    queryKey: ["runs", "calls", tool],
    queryFn: async () => {
      const { size } = await take(api.GET("/v1/audit/checkpoint", {}));
      const events = await eventsOf({ tool, kind: "tool.intended", after: Math.max(0, size - WINDOW) });
      return events.toReversed();
    },
  });

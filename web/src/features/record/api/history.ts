/** What the record says of the life of one thing: who made it, who changed it, when. */
import { queryOptions } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { eventOf, type RecordEvent } from "@/api/events";

export interface HistoryEvent extends RecordEvent {
  /** The id of what the event is about. */
  subject: string | undefined;
}

/** A page of events, the newest first. */
async function newest(query: { limit: number; kind: string; tool?: string; cursor?: string }) {
  // The same address is a stream for whoever accepts one.
  const page = (await take(
    api.GET("/v1/audit/events", { params: { query: { order: "desc", ...query } } }),
  )) as Schema<"Page_EventView">;
  const items: HistoryEvent[] = [];
  for (const { event: sealed } of page.items) {
    const event = eventOf(sealed);
    const { subject } = sealed as Record<string, unknown>;
    if (event) items.push({ ...event, subject: typeof subject === "string" ? subject : undefined });
  }
  return { items, next: page.next_cursor ?? undefined };
}

/** Of kinds that are rare, such as `agent.updated`, so that a few pages go far back. */
const PAGES_MAX = 10;

/** The newest first. `about` is the first word of the key that lists of such things have, and makes it old. */
export const historyQuery = (about: string, kinds: readonly string[]) =>
  queryOptions({
    queryKey: [about, "history", kinds],
    queryFn: async () => {
      const events: HistoryEvent[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const query = { limit: 200, kind: kinds.join(","), ...(cursor ? { cursor } : {}) };
        const { items, next } = await newest(query);
        events.push(...items);
        if (!next) break;
        cursor = next;
      }
      return events;
    },
  });

const CALLS = 12;

/** The latest calls of a tool, the newest first. */
export const callsQuery = (tool: string) =>
  queryOptions({
    queryKey: ["runs", "calls", tool],
    queryFn: () => newest({ limit: CALLS, tool, kind: "tool.intended" }).then((page) => page.items),
  });

/** Acts of power, from the record, the newest first. */
import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { eventOf, type RecordEvent } from "@/api/events";
import { type ActGroup, kindsOf } from "../model/kinds";
import { nextPage, type Place, startOf } from "../model/merge";
import { isSomebodysAct } from "../model/say";

export interface Act {
  seq: number;
  event: RecordEvent;
  /** The id of what it was done to. */
  subject: string;
}

export interface ActFilter {
  group?: ActGroup;
  who?: string;
}

/** So many of each kind at once, and at least so many in all. */
const OF_A_KIND = 20;
const AT_LEAST = 30;

async function read(kind: string, cursor: string | undefined, who: string | undefined) {
  const query = {
    kind,
    order: "desc" as const,
    limit: OF_A_KIND,
    ...(cursor ? { cursor } : {}),
    ...(who ? { actor: who } : {}),
  };
  // The same address is a stream for whoever accepts one.
  const page = (await take(api.GET("/v1/audit/events", { params: { query } }))) as Schema<"Page_EventView">;
  const items = page.items.flatMap((it): Act[] => {
    const event = eventOf(it.event);
    const { subject } = it.event as { subject?: unknown };
    return event ? [{ seq: it.seq, event, subject: typeof subject === "string" ? subject : "" }] : [];
  });
  // The last page may name a next one that is empty.
  const isFull = page.items.length === OF_A_KIND;
  return { items, next: isFull ? (page.next_cursor ?? undefined) : undefined };
}

export const actsQuery = ({ group, who }: ActFilter) =>
  infiniteQueryOptions({
    queryKey: ["acts", group ?? "all", who ?? "anybody"],
    queryFn: async ({ pageParam }) => {
      const place = pageParam ?? startOf<Act>(kindsOf(group));
      const page = await nextPage(place, (kind, cursor) => read(kind, cursor, who), AT_LEAST);
      return { ...page, items: page.items.filter((it) => isSomebodysAct(it.event)) };
    },
    initialPageParam: undefined as Place<Act> | undefined,
    getNextPageParam: (page) => page.next,
  });

/** Acts of power, from the record, the newest first. */
import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { eventOf, type RecordEvent } from "@/api/events";
import { type ActGroup, kindsOf } from "../model/kinds";
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

const PAGE = 100;
/** So many acts are looked for at once, in so many pages at most: not all events of a kind are somebody's act. */
const AT_LEAST = 30;
const PAGES_MAX = 5;

async function read(kinds: readonly string[], cursor: string | undefined, who: string | undefined) {
  const query = {
    kind: kinds.join(","),
    order: "desc" as const,
    limit: PAGE,
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
  return { items, next: page.next_cursor ?? undefined };
}

export const actsQuery = ({ group, who }: ActFilter) =>
  infiniteQueryOptions({
    queryKey: ["acts", group ?? "all", who ?? "anybody"],
    queryFn: async ({ pageParam }) => {
      const items: Act[] = [];
      let cursor = pageParam;
      for (let page = 0; page < PAGES_MAX && items.length < AT_LEAST; page += 1) {
        const found = await read(kindsOf(group), cursor, who);
        items.push(...found.items.filter((it) => isSomebodysAct(it.event)));
        cursor = found.next;
        if (!cursor) break;
      }
      return { items, next: cursor };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });

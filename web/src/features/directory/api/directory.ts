/** Who is who: the people and agents of the organisation, by their ids. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Schema, take } from "@/api/client";
import { t } from "@/strings";

/** All pages of a list that is short enough to be known whole. */
async function whole<T>(
  page: (cursor?: string) => Promise<{ items: T[]; next_cursor?: string | null }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: more, next_cursor } = await page(cursor);
    items.push(...more);
    cursor = next_cursor ?? undefined;
  } while (cursor && items.length < 2000);
  return items;
}

const paged = (cursor?: string) => ({ params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } } });

export const agentsQuery = queryOptions({
  queryKey: ["agents"],
  queryFn: () => whole((cursor) => take(api.GET("/v1/agents", paged(cursor)))),
  staleTime: 60_000,
});

export const membersQuery = queryOptions({
  queryKey: ["members"],
  queryFn: () => whole((cursor) => take(api.GET("/v1/members", paged(cursor)))),
  staleTime: 60_000,
});

export interface Named {
  id: string;
  name: string;
  isAgent: boolean;
}

export interface Directory {
  agents: Schema<"AgentView">[];
  members: Schema<"MemberView">[];
  /** The name behind an id, or what stands for somebody who has gone. */
  name(id: string | null | undefined): string;
  isKnown: boolean;
}

export function useDirectory(): Directory {
  const agents = useQuery(agentsQuery);
  const members = useQuery(membersQuery);
  return useMemo(() => {
    const names = new Map<string, string>();
    for (const agent of agents.data ?? []) names.set(agent.id, agent.name);
    for (const member of members.data ?? []) names.set(member.user_id, member.name);
    const missing = (id: string) => (id.startsWith("agt_") ? t.common.unknownAgent : t.common.unknownPerson);
    const isKnown = agents.data !== undefined && members.data !== undefined;
    return {
      agents: agents.data ?? [],
      members: members.data ?? [],
      name: (id) => (id ? (names.get(id) ?? (isKnown ? missing(id) : "…")) : t.common.system),
      isKnown,
    };
  }, [agents.data, members.data]);
}

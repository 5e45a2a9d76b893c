/** Who is who: the people and agents of the organisation, by their ids. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Schema, take } from "@/api/client";
import { whole } from "@/lib/pages";
import { t } from "@/strings";

export const agentsQuery = queryOptions({
  queryKey: ["agents"],
  queryFn: () => whole((query) => take(api.GET("/v1/agents", { params: { query } }))),
  staleTime: 60_000,
});

export const membersQuery = queryOptions({
  queryKey: ["members"],
  queryFn: () => whole((query) => take(api.GET("/v1/members", { params: { query } }))),
  staleTime: 60_000,
});

/** Those that one may know of: an admin all of them, others their own. */
export const keyNamesQuery = queryOptions({
  queryKey: ["keys", "names"],
  queryFn: () => whole((query) => take(api.GET("/v1/api-keys", { params: { query } }))),
  staleTime: 60_000,
});

export interface Named {
  id: string;
  name: string;
  isAgent: boolean;
}

interface Directory {
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

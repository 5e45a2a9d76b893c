/** Agents: what they are, what they were, and what they do. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";

export type Agent = Schema<"AgentView">;
export type Version = Schema<"VersionView">;
export type Definition = Schema<"DefinitionView">;

/** Lists have the key `agents`, so what is below it is as old as they are. */
export const agentQuery = (id: string) =>
  queryOptions({
    queryKey: ["agents", "one", id],
    queryFn: () => take(api.GET("/v1/agents/{agent_id}", { params: { path: { agent_id: id } } })),
  });

export const enginesQuery = queryOptions({
  queryKey: ["agent-engines"],
  queryFn: () => take(api.GET("/v1/agent/engines", {})).then((it) => it.items),
  staleTime: "static",
});

export const versionsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["agents", "versions", id],
    queryFn: ({ pageParam }) => {
      const query = { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) };
      return take(api.GET("/v1/agents/{agent_id}/versions", { params: { path: { agent_id: id }, query } }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const diffQuery = (id: string, from: number, to: number) =>
  queryOptions({
    queryKey: ["agents", "diff", id, from, to],
    queryFn: () => {
      const params = { path: { agent_id: id }, query: { from, to } };
      return take(api.GET("/v1/agents/{agent_id}/diff", { params })).then((it) => it.changes);
    },
    // Versions never change.
    staleTime: "static",
  });

/** When each agent began a run among the newest of the organisation. */
export const newestRunsQuery = queryOptions({
  queryKey: ["runs", "last-of-agents"],
  queryFn: async () => {
    const page = await take(api.GET("/v1/runs", { params: { query: { limit: 200 } } }));
    const last = new Map<string, string>();
    for (const run of page.items)
      if (run.agent_id && !last.has(run.agent_id)) last.set(run.agent_id, run.created_at);
    return last;
  },
});

/** When an agent that is not among them last began one; null where it never did. A later run is among the newest. */
export const olderRunQuery = (id: string) =>
  queryOptions({
    queryKey: ["agents", "older-run", id],
    queryFn: async () => {
      const { items } = await take(api.GET("/v1/runs", { params: { query: { agent_id: id, limit: 1 } } }));
      return items[0]?.created_at ?? null;
    },
    staleTime: 60_000,
  });

export const budgetsQuery = queryOptions({
  queryKey: ["budgets", "scopes"],
  queryFn: () => take(api.GET("/v1/budgets", { params: { query: { limit: 200 } } })).then((it) => it.items),
});

function useOnAgents<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["agents"] }),
  });
}

const at = (agent_id: string) => ({ params: { path: { agent_id } } });

export const useCreateAgent = () =>
  useOnAgents((body: Schema<"NewAgent">) => take(api.POST("/v1/agents", { body })));

export const useChangeAgent = (id: string) =>
  useOnAgents((body: Schema<"AgentChange">) => take(api.PATCH("/v1/agents/{agent_id}", { ...at(id), body })));

export type Turn = "pause" | "activate" | "retire";

export const useTurnAgent = (id: string) =>
  useOnAgents((turn: Turn) => {
    switch (turn) {
      case "pause":
        return take(api.POST("/v1/agents/{agent_id}/pause", at(id)));
      case "activate":
        return take(api.POST("/v1/agents/{agent_id}/activate", at(id)));
      case "retire":
        return take(api.POST("/v1/agents/{agent_id}/retire", at(id)));
    }
  });

export function useDeleteAgent(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.DELETE("/v1/agents/{agent_id}", at(id))),
    // The agent itself is not asked for again: it is gone.
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["agents"], exact: true }),
  });
}

export const useRollBack = (id: string) =>
  useOnAgents((version: number) =>
    take(api.POST("/v1/agents/{agent_id}/rollback", { ...at(id), body: { version } })),
  );

/** A chat of its own with the agent, and the first message in it; answers the run that it began. */
export const useTry = () =>
  useMutation({
    mutationFn: async ({ agentId, title, content }: { agentId: string; title: string; content: string }) => {
      const session = await take(api.POST("/v1/sessions", { body: { title, agent_ids: [agentId] } }));
      const params = { path: { session_id: session.id } };
      const posted = await take(
        api.POST("/v1/sessions/{session_id}/messages", { params, body: { content } }),
      );
      return posted.run ?? undefined;
    },
  });

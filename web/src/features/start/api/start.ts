import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { agentsQuery } from "@/features/directory/api/directory";
import { t } from "@/strings";

const NAME = "demo";

/** A first policy, the server's own example, and an agent that plans by rules. What is there already stays. */
export function useSetUp() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const { items: policies } = await take(api.GET("/v1/policies"));
      if (policies.length === 0) {
        const { example } = await take(api.GET("/v1/policies/schema"));
        const params = { path: { name: NAME } };
        const body = { cedar: example, comment: t.start.agent.policyComment };
        await take(api.PUT("/v1/policies/{name}", { params, body }));
      }
      const { items: tools } = await take(api.GET("/v1/tools"));
      const agent = {
        name: NAME,
        description: t.start.agent.description,
        planner: "rules" as const,
        tools: tools.map((it) => it.name),
        workspace: NAME,
      };
      return take(api.POST("/v1/agents", { body: agent }));
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: agentsQuery.queryKey }),
  });
}

/** A chat with the agent, and the first message in it. */
export const useAsk = () =>
  useMutation({
    mutationFn: async (agentId: string) => {
      const body = { title: t.start.ask.chatTitle, agent_ids: [agentId] };
      const session = await take(api.POST("/v1/sessions", { body }));
      const params = { path: { session_id: session.id } };
      const posted = await take(
        api.POST("/v1/sessions/{session_id}/messages", { params, body: { content: t.start.ask.request } }),
      );
      return posted.run?.id;
    },
  });

/** Everything is as it was but that nothing may be written. */
const cedar = `@id("no-writes")
@reason("${t.start.replay.stricterReason}")
forbid (principal, action == Chancery::Action::"file.write", resource);

@id("everything-else")
permit (principal, action, resource);`;

export const stricter = { policies: [{ name: "stricter", cedar, managed: false }] };

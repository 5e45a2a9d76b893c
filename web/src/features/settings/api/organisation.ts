/** The organisation itself, and what becomes of its chats. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { joinOrg, renew } from "@/api/auth";
import { api, type Schema, take } from "@/api/client";

export type ChatSettings = Schema<"ChatSettingsView">;

export const chatSettingsQuery = queryOptions({
  queryKey: ["chat-settings"],
  queryFn: () => take(api.GET("/v1/chat-settings", {})),
});

export const useRenameOrg = () =>
  useMutation({
    mutationFn: ({ id, name }: { id: string; name: string }) =>
      take(api.PATCH("/v1/orgs/{org_id}", { params: { path: { org_id: id } }, body: { name } })),
    onSuccess: joinOrg,
  });

export const useCloseOrg = () =>
  useMutation({
    mutationFn: (id: string) => take(api.DELETE("/v1/orgs/{org_id}", { params: { path: { org_id: id } } })),
    onSuccess: () => renew(),
  });

export function useSetChatSettings() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"ChatSettingsBody">) => take(api.PATCH("/v1/chat-settings", { body })),
    onSuccess: (settings) => queries.setQueryData(chatSettingsQuery.queryKey, settings),
  });
}

/** API keys. The text of a new one passes through here once and is kept nowhere. */
import { infiniteQueryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";

export type ApiKey = Schema<"Page_KeyView">["items"][number];

export const keysQuery = infiniteQueryOptions({
  queryKey: ["keys"],
  queryFn: ({ pageParam }) =>
    take(
      api.GET("/v1/api-keys", {
        params: { query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } },
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});

export function useCreateKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"KeyBody">) => take(api.POST("/v1/api-keys", { body })),
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}

export function useDeleteKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      take(api.DELETE("/v1/api-keys/{key_id}", { params: { path: { key_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}

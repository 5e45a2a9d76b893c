/** What approvals allow from now on. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";

export type Grant = Schema<"GrantView">;

export const grantsQuery = queryOptions({
  queryKey: ["grants"],
  queryFn: () => take(api.GET("/v1/grants", {})).then((list) => list.items),
});

/** The row goes at once, and comes back if the server refuses. */
export function useWithdrawGrant() {
  const queries = useQueryClient();
  const key = grantsQuery.queryKey;
  return useMutation({
    mutationFn: (id: string) => take(api.DELETE("/v1/grants/{id}", { params: { path: { id } } })),
    onMutate: async (id) => {
      await queries.cancelQueries({ queryKey: key });
      const before = queries.getQueryData(key);
      queries.setQueryData(key, (all) => all?.filter((it) => it.id !== id));
      return { before };
    },
    onError: (_error, _id, context) => queries.setQueryData(key, context?.before),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
}

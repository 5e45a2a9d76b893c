import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { t } from "@/strings";

export type Approval = Schema<"ApprovalView">;
export type Scope = Schema<"ScopeName">;

export const pendingQuery = queryOptions({
  queryKey: ["approvals", "pending"],
  queryFn: () => take(api.GET("/v1/approvals", { params: { query: { status: "pending", limit: 200 } } })),
  // Silence becomes a no without an event that anybody caused.
  refetchInterval: 60_000,
});

export const allApprovalsQuery = infiniteQueryOptions({
  queryKey: ["approvals", "all"],
  queryFn: ({ pageParam }) =>
    take(
      api.GET("/v1/approvals", {
        params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});

/** One request, with its exact arguments. */
export const approvalQuery = (id: string) =>
  queryOptions({
    queryKey: ["approvals", "one", id],
    queryFn: () => take(api.GET("/v1/approvals/{id}", { params: { path: { id } } })),
  });

export const usePendingCount = () =>
  useQuery({ ...pendingQuery, select: (page) => page.items.length }).data ?? 0;

type Answer = { id: string; comment?: string | undefined } & ({ yes: true; scope: Scope } | { yes: false });

/** Answers a request; the row's new state is at hand at once, and lists look again. */
export function useAnswer() {
  const queries = useQueryClient();
  return useMutation({
    meta: { failed: t.approvals.undone },
    mutationFn: (answer: Answer) => {
      const params = { path: { id: answer.id } };
      const comment = answer.comment ? { comment: answer.comment } : {};
      return answer.yes
        ? take(api.POST("/v1/approvals/{id}/approve", { params, body: { scope: answer.scope, ...comment } }))
        : take(api.POST("/v1/approvals/{id}/deny", { params, body: comment }));
    },
    onSuccess: (approval) => {
      queries.setQueryData(approvalQuery(approval.id).queryKey, (old) =>
        old ? { ...old, ...approval } : approval,
      );
      queries.setQueryData(pendingQuery.queryKey, (old) =>
        old ? { ...old, items: old.items.filter((it) => it.id !== approval.id) } : old,
      );
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["approvals"] }),
  });
}

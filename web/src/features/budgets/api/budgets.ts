/** Budgets, and the limits on tools. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { ApiError } from "@/api/problem";
import { Outdated } from "@/features/providers/api/providers";
import { whole } from "@/lib/pages";

export type Budget = Schema<"BudgetView">;

export const budgetsQuery = queryOptions({
  queryKey: ["budgets", "list"],
  queryFn: () => whole((query) => take(api.GET("/v1/budgets", { params: { query } }))),
  refetchInterval: 20_000,
});

async function readBudget(scope: string): Promise<Budget | null> {
  try {
    return await take(api.GET("/v1/budgets/{scope}", { params: { path: { scope } } }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Null where the scope has none. */
export const budgetQuery = (scope: string) =>
  queryOptions({
    queryKey: ["budgets", "one", scope],
    queryFn: () => readBudget(scope),
    refetchInterval: 20_000,
  });

interface Setting {
  scope: string;
  body: Schema<"BudgetBody">;
  /** The version that was changed; 0 where there was none. Nothing to overwrite whatever is there. */
  seen: number | undefined;
}

/** What is there is looked at right before: the server takes whatever comes last. */
export function useSetBudget() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ scope, body, seen }: Setting) => {
      const current = await readBudget(scope);
      if (seen !== undefined && (current?.version ?? 0) !== seen) throw new Outdated(current);
      return take(api.PUT("/v1/budgets/{scope}", { params: { path: { scope } }, body }));
    },
    onSuccess: (budget) => {
      queries.setQueryData(budgetQuery(budget.scope).queryKey, budget);
      return queries.invalidateQueries({ queryKey: ["budgets"] });
    },
  });
}

export function useDeleteBudget() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (scope: string) => take(api.DELETE("/v1/budgets/{scope}", { params: { path: { scope } } })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["budgets"] }),
  });
}

export const limitsQuery = queryOptions({
  queryKey: ["limits"],
  queryFn: () => take(api.GET("/v1/limits", {})),
  refetchInterval: 15_000,
});

export function useSetLimits() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"OwnLimits">) => take(api.PATCH("/v1/limits", { body })),
    onSuccess: (limits) => queries.setQueryData(limitsQuery.queryKey, limits),
  });
}

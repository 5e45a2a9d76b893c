/** Policies: those in force, trying others, and publishing. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { ApiError } from "@/api/problem";
import { whole } from "@/lib/pages";
import { fromDays } from "../model/draft";
import { type Flaw, flawsOf } from "../model/problems";

export type Policy = Schema<"PolicyView">;
export type Candidate = Schema<"Candidate">;

export const policiesQuery = queryOptions({
  queryKey: ["policies"],
  queryFn: () => take(api.GET("/v1/policies", {})).then((list) => list.items),
});

export type PolicyVersion = Schema<"PolicyVersionView">;

/** Every version of a policy that was ever in force, the newest first; none of one that never was. */
export const policyVersionsQuery = (name: string) =>
  queryOptions({
    queryKey: ["policies", "versions", name],
    queryFn: async () => {
      const page = (query: { limit: number; cursor?: string }) =>
        take(api.GET("/v1/policies/{name}/versions", { params: { path: { name }, query } }));
      try {
        return await whole(page);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return [];
        throw error;
      }
    },
  });

export const schemaQuery = queryOptions({
  queryKey: ["policy-schema"],
  queryFn: () => take(api.GET("/v1/policies/schema", {})),
  staleTime: "static",
});

/** The whole set with one of it written anew, or another one added. */
export function withCandidate(policies: readonly Policy[], candidate: Candidate): Candidate[] {
  const others = policies
    .filter((it) => it.name !== candidate.name)
    .map(({ name, cedar, managed }) => ({ name, cedar, managed }));
  return [...others, candidate];
}

/** Puts the recorded decisions of a time to other policies. A time without any only compiles them. */
const simulate = (body: Schema<"SimulateRequest">) => take(api.POST("/v1/policies/simulate", { body }));

const aTimeWithoutAny = "2000-01-01T00:00:00Z";

/** The mistakes of a whole set of policies, found by compiling it. */
export const compilesQuery = (policies: Candidate[]) =>
  queryOptions({
    queryKey: ["policies-compile", policies],
    queryFn: async (): Promise<Flaw[]> => {
      try {
        await simulate({ policies, from: aTimeWithoutAny, to: aTimeWithoutAny });
        return [];
      } catch (error) {
        const flaws = flawsOf(error);
        if (flaws.length > 0) return flaws;
        throw error;
      }
    },
    staleTime: "static",
    gcTime: 60_000,
  });

/** What a set of policies would have decided otherwise in the last days. */
export const simulationQuery = (policies: Candidate[], days: number) =>
  queryOptions({
    queryKey: ["policies-simulated", policies, days],
    queryFn: () => {
      const from = fromDays(days, Date.now());
      return simulate({ policies, ...(from ? { from } : {}) });
    },
    staleTime: "static",
    gcTime: 0,
  });

export const toolsQuery = queryOptions({
  queryKey: ["tools", "names"],
  queryFn: () => take(api.GET("/v1/tools", {})).then((list) => list.items.map((it) => it.name)),
  staleTime: 60_000,
});

export const useSimulate = () => useMutation({ mutationFn: simulate });

export const useCheck = () =>
  useMutation({
    mutationFn: (intent: Schema<"IntentDraft">) => take(api.POST("/v1/policies/check", { body: { intent } })),
  });

export function usePublish() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name, ...body }: { name: string } & Schema<"PolicyDraft">) =>
      take(api.PUT("/v1/policies/{name}", { params: { path: { name } }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["policies"] }),
  });
}

export function useRemovePolicy() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => take(api.DELETE("/v1/policies/{name}", { params: { path: { name } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["policies"] }),
  });
}

/** Secrets: their names, who may use them, and the keys behind them. No answer of the server has a value. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { eventOf } from "@/api/events";
import { whole } from "@/lib/pages";

export type Secret = Schema<"SecretView">;
export type Grants = Required<Schema<"GrantsBody">>;
export type Provider = Schema<"ProviderView">;

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: () => whole((query) => take(api.GET("/v1/secrets", { params: { query } }))),
});

export const grantsQuery = (id: string) =>
  queryOptions({
    queryKey: ["secrets", id, "grants"],
    queryFn: async (): Promise<Grants> => {
      const body = await take(api.GET("/v1/secrets/{id}/grants", { params: { path: { id } } }));
      return { tools: body.tools ?? [], agents: body.agents ?? [] };
    },
    staleTime: 60_000,
  });

export const providersQuery = queryOptions({
  queryKey: ["providers", "all"],
  queryFn: () => whole((query) => take(api.GET("/v1/providers", { params: { query } }))),
  staleTime: 60_000,
});

/** A mutation that makes the list of secrets old, and keeps nothing of what it was given. */
function useSecretMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn,
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["secrets"] }),
  });
}

export const useCreateSecret = () =>
  useSecretMutation((body: Schema<"NewSecret">) => take(api.POST("/v1/secrets", { body })));

export const useRotateSecret = () =>
  useSecretMutation(({ id, value }: { id: string; value: string }) =>
    take(api.PUT("/v1/secrets/{id}", { params: { path: { id } }, body: { value } })),
  );

/** Nothing is waited for: whoever deletes a secret stands on its page, and has to leave it first. */
export function useDeleteSecret() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => take(api.DELETE("/v1/secrets/{id}", { params: { path: { id } } })),
    onSuccess: (_gone, id) =>
      queries.setQueryData(secretsQuery.queryKey, (all) => all?.filter((it) => it.id !== id)),
  });
}

export const useSetGrants = () =>
  useSecretMutation(({ id, ...body }: { id: string } & Grants) =>
    take(api.PUT("/v1/secrets/{id}/grants", { params: { path: { id } }, body })),
  );

/** Everything that the record says about data keys, the oldest first. */
export const dataKeyEventsQuery = queryOptions({
  queryKey: ["data-key"],
  queryFn: async () => {
    const list = await whole(
      async (query) =>
        (await take(
          api.GET("/v1/audit/events", { params: { query: { ...query, kind: "data_key.rotated" } } }),
        )) as Schema<"Page_EventView">,
    );
    return list.flatMap((it) => eventOf(it.event) ?? []);
  },
});

export function useRotateDataKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.POST("/v1/secrets/keys/rotate", {})),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["data-key"] }),
  });
}

export const useRotateLogKey = () =>
  useMutation({ mutationFn: () => take(api.POST("/v1/audit/keys/rotate", {})) });

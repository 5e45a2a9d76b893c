/** Providers and profiles: whom models are asked of, and under which names. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { whole } from "@/lib/pages";

export type Provider = Schema<"ProviderView">;
export type Profile = Schema<"ProfileView">;
export type ProviderKind = Schema<"ProviderKind">;
export type Tested = Schema<"TestView">;

export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: () => whole((query) => take(api.GET("/v1/providers", { params: { query } }))),
});

export const profilesQuery = queryOptions({
  queryKey: ["profiles"],
  queryFn: () => whole((query) => take(api.GET("/v1/model-profiles", { params: { query } }))),
});

export const modelSettingsQuery = queryOptions({
  queryKey: ["model-settings"],
  queryFn: () => take(api.GET("/v1/model-settings", {})),
});

/** Names of secrets; their values never come here. */
export const secretNamesQuery = queryOptions({
  queryKey: ["secrets", "names"],
  queryFn: () => whole((query) => take(api.GET("/v1/secrets", { params: { query } }))),
});

export interface LastTest {
  at: number;
  model: string | undefined;
  found: Tested;
}

const testedKey = (id: string) => ["provider-tested", id];

/** What came of the last test of a provider, in this tab. Nothing but a test fills it. */
export const testedQuery = (id: string) =>
  queryOptions({
    queryKey: testedKey(id),
    queryFn: (): LastTest | null => null,
    staleTime: "static",
    gcTime: Number.POSITIVE_INFINITY,
  });

export function useTest(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (model: string | undefined) =>
      take(
        api.POST("/v1/providers/{provider_id}/test", {
          params: { path: { provider_id: id } },
          body: model ? { model } : {},
        }),
      ),
    onSuccess: (found, model) =>
      queries.setQueryData(testedKey(id), { at: Date.now(), model, found } satisfies LastTest),
  });
}

/** A change of something that may have changed since it was looked at. */
export class Outdated<T> extends Error {
  constructor(readonly current: T) {
    super("it was changed meanwhile");
    this.name = "Outdated";
  }
}

/** Nobody waits for it: what follows a change, such as leaving its page, comes before its lists are read anew. */
function useChanges(...names: string[]) {
  const queries = useQueryClient();
  return () => {
    for (const name of names) void queries.invalidateQueries({ queryKey: [name] });
  };
}

export function useCreateProvider() {
  return useMutation({
    mutationFn: (body: Schema<"NewProvider">) => take(api.POST("/v1/providers", { body })),
    onSuccess: useChanges("providers"),
  });
}

/** `seen` is the version that the change was made on; nothing to overwrite whatever is there. */
export function useChangeProvider(id: string) {
  return useMutation({
    mutationFn: async ({ seen, change }: { seen: number | undefined; change: Schema<"ProviderChange"> }) => {
      const params = { path: { provider_id: id } };
      const current = await take(api.GET("/v1/providers/{provider_id}", { params }));
      if (seen !== undefined && current.version !== seen) throw new Outdated(current);
      return take(api.PATCH("/v1/providers/{provider_id}", { params, body: change }));
    },
    onSuccess: useChanges("providers"),
  });
}

export function useDeleteProvider() {
  return useMutation({
    mutationFn: (id: string) =>
      take(api.DELETE("/v1/providers/{provider_id}", { params: { path: { provider_id: id } } })),
    onSuccess: useChanges("providers", "secrets"),
  });
}

export function useCreateProfile() {
  return useMutation({
    mutationFn: (body: Schema<"NewProfile">) => take(api.POST("/v1/model-profiles", { body })),
    onSuccess: useChanges("profiles"),
  });
}

export function useChangeProfile(id: string) {
  return useMutation({
    mutationFn: async ({ seen, change }: { seen: number | undefined; change: Schema<"ProfileChange"> }) => {
      const params = { path: { profile_id: id } };
      const current = await take(api.GET("/v1/model-profiles/{profile_id}", { params }));
      if (seen !== undefined && current.version !== seen) throw new Outdated(current);
      return take(api.PATCH("/v1/model-profiles/{profile_id}", { params, body: change }));
    },
    onSuccess: useChanges("profiles"),
  });
}

export function useDeleteProfile() {
  return useMutation({
    mutationFn: (id: string) =>
      take(api.DELETE("/v1/model-profiles/{profile_id}", { params: { path: { profile_id: id } } })),
    onSuccess: useChanges("profiles"),
  });
}

export function useSetRecording() {
  return useMutation({
    mutationFn: (recording: Schema<"Recording">) =>
      take(api.PATCH("/v1/model-settings", { body: { recording } })),
    onSuccess: useChanges("model-settings"),
  });
}

/** Puts a key into the vault under a name; its text passes through here once and is kept nowhere. */
export const storeSecret = (name: string, value: string) =>
  take(api.POST("/v1/secrets", { body: { name, value } }));
/** Gives a secret that is there a new text. */
export const renewSecret = (id: string, value: string) =>
  take(api.PUT("/v1/secrets/{id}", { params: { path: { id } }, body: { value } }));

export type Recording = Schema<"Recording">;

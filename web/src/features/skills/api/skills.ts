/** Skills: packages that agents read and run. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, authorisedFetch, type Schema, take } from "@/api/client";
import { ApiError, problemOf } from "@/api/problem";
import { whole } from "@/lib/pages";

export type Skill = Schema<"SkillView">;

export const skillsQuery = queryOptions({
  queryKey: ["skills"],
  queryFn: () => whole((query) => take(api.GET("/v1/skills", { params: { query } }))),
  staleTime: 60_000,
});

export const skillQuery = (id: string) =>
  queryOptions({
    queryKey: ["skills", "one", id],
    queryFn: () => take(api.GET("/v1/skills/{skill_id}", { params: { path: { skill_id: id } } })),
  });

/** Files one by one, or a package as a tar. */
export type Package = { files: Schema<"NewFile">[] } | { tar: Blob };

async function publish(what: Package): Promise<Skill> {
  if ("files" in what) return take(api.POST("/v1/skills", { body: { files: what.files } }));
  const response = await authorisedFetch(
    new Request(new URL("/v1/skills", location.origin), {
      method: "POST",
      headers: { "content-type": "application/x-tar" },
      body: what.tar,
    }),
  );
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new ApiError(problemOf(response.status, body));
  return body as Skill;
}

export function usePublishSkill() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: publish,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["skills"] }),
  });
}

export function useDeleteSkill(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.DELETE("/v1/skills/{skill_id}", { params: { path: { skill_id: id } } })),
    // The skill itself is not asked for again: it is gone.
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["skills"], exact: true }),
  });
}

/** Tools: what there is, those of one's own, and calls of them. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";

export type Tool = Schema<"ToolView">;

export const toolsQuery = queryOptions({
  queryKey: ["tools"],
  queryFn: () => take(api.GET("/v1/tools", {})).then((list) => list.items),
  staleTime: 60_000,
});

function useOnTools<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tools"] }),
  });
}

type Named<Body> = { name: string; body: Body };

export const useCreateTool = () =>
  useOnTools(({ name, body }: Named<Schema<"HttpToolDraft">>) =>
    take(api.POST("/v1/tools/http/{name}", { params: { path: { name } }, body })),
  );

export const useChangeTool = () =>
  useOnTools(({ name, body }: Named<Schema<"HttpToolChange">>) =>
    take(api.PATCH("/v1/tools/http/{name}", { params: { path: { name } }, body })),
  );

export const useRemoveTool = () =>
  useOnTools((name: string) => take(api.DELETE("/v1/tools/http/{name}", { params: { path: { name } } })));

/** Calls a tool; answers the run that does it. */
export const useInvoke = () =>
  useMutation({
    mutationFn: ({ name, body }: Named<Schema<"Invocation">>) =>
      take(api.POST("/v1/tools/{name}/invoke", { params: { path: { name } }, body })),
  });

/** The names of secrets, for headers of tools. No answer ever has a value. */
export const secretNamesQuery = queryOptions({
  queryKey: ["secrets", "names"],
  queryFn: () =>
    take(api.GET("/v1/secrets", { params: { query: { limit: 200 } } })).then((page) =>
      page.items.map((it) => it.name),
    ),
  staleTime: 60_000,
});

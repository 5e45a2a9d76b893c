import { queryOptions } from "@tanstack/react-query";
import { api, authorisedFetch, type Schema, take } from "@/api/client";
import { ApiError, problemOf } from "@/api/problem";

export const artifactQuery = (id: string) =>
  queryOptions({
    queryKey: ["artifacts", id],
    queryFn: () => take(api.GET("/v1/artifacts/{id}", { params: { path: { id } } })),
    staleTime: "static",
  });

/** The content, fetched with the token that an <img> could not send. */
export async function artifactBlob(id: string): Promise<Blob> {
  const response = await authorisedFetch(
    new Request(new URL(`/v1/artifacts/${id}/content`, location.origin)),
  );
  if (!response.ok)
    throw new ApiError(problemOf(response.status, await response.json().catch(() => undefined)));
  return response.blob();
}

export const contentQuery = (id: string) =>
  queryOptions({
    queryKey: ["artifacts", id, "content"],
    queryFn: () => artifactBlob(id),
    staleTime: "static",
    retry: false,
  });

/** Puts a file into a session. It is streamed as it is, so this goes around the JSON client. */
export async function uploadFile(sessionId: string, file: File): Promise<Schema<"FileView">> {
  const url = new URL("/v1/artifacts", location.origin);
  url.searchParams.set("session_id", sessionId);
  url.searchParams.set("name", file.name || "file");
  const headers = { "content-type": file.type || "application/octet-stream" };
  const response = await authorisedFetch(new Request(url, { method: "POST", headers, body: file }));
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new ApiError(problemOf(response.status, body));
  return body as Schema<"FileView">;
}

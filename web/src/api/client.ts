/**
 * The API, typed by `schema.d.ts`, which `npm run api` writes from `openapi/v1.json`.
 *
 * Each request carries the access token and the organisation; a POST carries an idempotency key, so that
 * sending it again after a lost answer does nothing twice. A refused token is renewed once, and the request
 * is repeated if it is still for the same person in the same organisation.
 */
import createClient from "openapi-fetch";
import { newKey } from "@/lib/ids";
import { accessToken, currentOrgId, identity, renew } from "./auth";
import { ApiError, problemOf, SignInChanged, Unreachable } from "./problem";
import type { components, paths } from "./schema";

export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** Routes that say who somebody is, and so take no token. */
const isPublic = (path: string) => path.startsWith("/v1/auth/") && path !== "/v1/auth/device/approve";

async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new Unreachable(error);
  }
}

/** `fetch` with everything that our API wants to know of its caller. */
export async function authorisedFetch(request: Request): Promise<Response> {
  const path = new URL(request.url).pathname;
  // A file may be larger than what is kept for repeating.
  if (request.method === "POST" && path !== "/v1/artifacts" && !request.headers.has("idempotency-key")) {
    request.headers.set("idempotency-key", newKey());
  }
  if (isPublic(path)) return send(request);
  const orgId = currentOrgId();
  if (orgId && !request.headers.has("x-org-id")) request.headers.set("x-org-id", orgId);
  const asking = identity();
  const token = await accessToken();
  sameAs(asking);
  if (!token) return send(request);
  const again = request.clone();
  request.headers.set("authorization", `Bearer ${token}`);
  const response = await send(request);
  if (response.status !== 401) return response;
  const renewed = await renew(token);
  sameAs(asking);
  if (!renewed) return response;
  again.headers.set("authorization", `Bearer ${renewed}`);
  return send(again);
}

/** What was asked by one person in one organisation is not sent for another. */
function sameAs(asking: string) {
  if (asking !== "" && identity() !== asking) throw new SignInChanged();
}

export const api = createClient<paths>({
  baseUrl: location.origin,
  fetch: authorisedFetch,
  credentials: "same-origin",
});

/** The data of an answer, or the problem as an exception. */
export async function take<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw new ApiError(problemOf(response.status, error));
  return data as T;
}

/** What somebody sets about themselves: the password, and where they are signed in. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { whole } from "@/lib/pages";

export type Login = Schema<"Page_LoginView">["items"][number];

export const loginsQuery = queryOptions({
  queryKey: ["logins"],
  queryFn: () => whole((query) => take(api.GET("/v1/me/sessions", { params: { query } }))),
});

export function useChangePassword() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"PasswordBody">) => take(api.POST("/v1/me/password", { body })),
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["logins"] }),
  });
}

/** Ends sign-ins one after the other; those that ended meanwhile are no error. */
export function useEndLogins() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (ids: readonly string[]) => {
      for (const id of ids) {
        const answer = await api.DELETE("/v1/me/sessions/{login_id}", { params: { path: { login_id: id } } });
        if (answer.response.status !== 404) await take(Promise.resolve(answer));
      }
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["logins"] }),
  });
}

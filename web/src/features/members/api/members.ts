/** Members, invitations and roles. The list of members itself is the directory's. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { renew } from "@/api/auth";
import { api, type Schema, take } from "@/api/client";
import { membersQuery } from "@/features/directory/api/directory";
import { whole } from "@/lib/pages";

export type Member = Schema<"MemberView">;
export type Role = Schema<"RoleName">;
export type Invitation = Schema<"Page_InvitationView">["items"][number];

export const rolesQuery = queryOptions({
  queryKey: ["roles"],
  queryFn: () => take(api.GET("/v1/meta/roles", {})).then((it) => it.items),
  staleTime: Number.POSITIVE_INFINITY,
});

export const invitationsQuery = queryOptions({
  queryKey: ["invitations"],
  queryFn: () => whole((query) => take(api.GET("/v1/invitations", { params: { query } }))),
});

/** Changes a role or suspends; the row shows it at once, and again as it was if the server refuses. */
export function useChangeMember(ownId: string) {
  const queries = useQueryClient();
  const key = membersQuery.queryKey;
  return useMutation({
    mutationFn: ({ userId, change }: { userId: string; change: Schema<"MemberBody"> }) =>
      take(api.PATCH("/v1/members/{user_id}", { params: { path: { user_id: userId } }, body: change })),
    onMutate: async ({ userId, change }) => {
      await queries.cancelQueries({ queryKey: key });
      const before = queries.getQueryData(key);
      const role = change.role ? { role: change.role } : {};
      const suspended = typeof change.suspended === "boolean" ? { suspended: change.suspended } : {};
      queries.setQueryData(key, (all) =>
        all?.map((it) => (it.user_id === userId ? { ...it, ...role, ...suspended } : it)),
      );
      return { before };
    },
    onError: (_error, _change, context) => queries.setQueryData(key, context?.before),
    // What one may do stands in the sign-in.
    onSuccess: (_member, { userId }) => (userId === ownId ? renew() : undefined),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
}

export function useRemoveMember() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (userId: string) =>
      take(api.DELETE("/v1/members/{user_id}", { params: { path: { user_id: userId } } })),
    onSuccess: () =>
      Promise.all(
        ["members", "invitations", "keys"].map((name) => queries.invalidateQueries({ queryKey: [name] })),
      ),
  });
}

export const useLeaveOrg = () =>
  useMutation({
    mutationFn: (orgId: string) =>
      take(api.POST("/v1/orgs/{org_id}/leave", { params: { path: { org_id: orgId } } })),
    onSuccess: () => renew(),
  });

/** The answer has the token of the link, so nothing of it is kept. */
export function useInvite() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"InvitationBody">) => take(api.POST("/v1/invitations", { body })),
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
}

export function useWithdrawInvitation() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (invitation: string) =>
      take(api.DELETE("/v1/invitations/{invitation}", { params: { path: { invitation } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
}

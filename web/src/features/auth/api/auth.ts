/** What the pages before the app ask of the server. */
import { useMutation } from "@tanstack/react-query";
import { enter, exclusively, joinOrg, leave, signOutBy } from "@/api/auth";
import { api, type Schema, take } from "@/api/client";
import { t } from "@/strings";
import { explain } from "@/ui/ErrorNotice";
import { toast } from "@/ui/toast";

export const useSignIn = () =>
  useMutation({
    mutationFn: (body: Schema<"LoginBody">) => exclusively(() => take(api.POST("/v1/auth/login", { body }))),
    onSuccess: (signedIn) => enter(signedIn, signedIn.orgs),
  });

export const useSignUp = () =>
  useMutation({
    mutationFn: (body: Schema<"RegisterBody">) =>
      exclusively(() => take(api.POST("/v1/auth/register", { body }))),
    onSuccess: (registered) => enter(registered, [registered.org], registered.org.id),
  });

export const useForgotPassword = () =>
  useMutation({
    mutationFn: (body: Schema<"ForgotBody">) => take(api.POST("/v1/auth/password/forgot", { body })),
  });

export const useResetPassword = () =>
  useMutation({
    mutationFn: (body: Schema<"ResetBody">) => take(api.POST("/v1/auth/password/reset", { body })),
    onSuccess: () => leave(),
  });

export const useAcceptInvitation = () =>
  useMutation({
    mutationFn: (invitation: string) =>
      take(api.POST("/v1/invitations/{invitation}/accept", { params: { path: { invitation } } })),
    onSuccess: joinOrg,
  });

export const useDecideDevice = () =>
  useMutation({
    mutationFn: (body: Schema<"ApproveBody">) => take(api.POST("/v1/auth/device/approve", { body })),
  });

export const useCreateOrg = () =>
  useMutation({
    mutationFn: (body: Schema<"OrgBody">) => take(api.POST("/v1/orgs", { body })),
    onSuccess: joinOrg,
  });

/** Ends the sign-in. If the server doesn't hear of it nobody is signed out, and that is said. */
export async function signOut() {
  try {
    await signOutBy(() => take(api.POST("/v1/auth/logout", {})));
  } catch (error) {
    toast({ tone: "bad", title: t.auth.signOutFailed, detail: explain(error).detail });
  }
}

/** Signing in, and what is needed for it. */
import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { resume } from "@/api/auth";
import { safeNext } from "@/features/auth/model/next";
import { root, signedIn, some, text } from "./base";

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search) => some({ next: text(search.next) }),
  beforeLoad: async ({ search }) => {
    if ((await resume()).status === "in") throw redirect({ href: safeNext(search.next) });
  },
  component: lazyRouteComponent(() => import("@/features/auth/ui/SignInPage"), "SignInPage"),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  validateSearch: (search) => some({ next: text(search.next) }),
  component: lazyRouteComponent(() => import("@/features/auth/ui/SignUpPage"), "SignUpPage"),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot-password",
  component: lazyRouteComponent(() => import("@/features/auth/ui/ForgotPage"), "ForgotPage"),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset-password",
  component: lazyRouteComponent(() => import("@/features/auth/ui/ResetPage"), "ResetPage"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitation",
  beforeLoad: async () => void (await resume()),
  component: lazyRouteComponent(() => import("@/features/auth/ui/InvitationPage"), "InvitationPage"),
});

const device = createRoute({
  getParentRoute: () => signedIn,
  path: "/device",
  validateSearch: (search) => some({ code: text(search.code) }),
  component: lazyRouteComponent(() => import("@/features/auth/ui/DevicePage"), "DevicePage"),
});

export const authRoutes = [signIn, signUp, forgot, reset, invitation] as const;
export const deviceRoute = device;

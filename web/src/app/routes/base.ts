/** What every route hangs below, and how the parameters of an address are read. */
import { createRootRoute, createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { resume } from "@/api/auth";
import { NotFoundPage } from "../pages";
import { Root } from "../Root";
import { SignedIn } from "../SignedIn";

export const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
export const whole = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined);
export const oneOf = <T extends string>(names: readonly T[], value: unknown): T | undefined =>
  names.find((it) => it === value);
/** Optional parameters, without those that are not there. */
export function some<T extends Record<string, unknown>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

export const root = createRootRoute({ component: Root, notFoundComponent: NotFoundPage });

/** Pages for who is signed in; whoever is not comes back to them after signing in. */
export const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  beforeLoad: async ({ location }) => {
    if ((await resume()).status === "in") return;
    const next = location.href;
    throw redirect({ to: "/sign-in", search: next === "/" ? {} : { next } });
  },
  component: SignedIn,
});

/** Pages with the sidebar around them. */
export const shell = createRoute({
  getParentRoute: () => signedIn,
  id: "shell",
  component: lazyRouteComponent(() => import("../shell/Shell"), "Shell"),
});

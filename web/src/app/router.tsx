/**
 * Every address of the app, an area in a file of `routes/`. A page's code is fetched when it is first gone to;
 * what leads to it from everywhere stands in `nav.ts`.
 */
import { createRouter } from "@tanstack/react-router";
import { NotFound, PageError, PagePending } from "./pages";
import { authRoutes, deviceRoute } from "./routes/auth";
import { root, shell, signedIn } from "./routes/base";
import { buildRoutes } from "./routes/build";
import { governRoutes } from "./routes/govern";
import { modelsRoutes } from "./routes/models";
import { settingsRoutes } from "./routes/settings";
import { workRoutes } from "./routes/work";

const inShell = [...workRoutes, ...governRoutes, ...buildRoutes, ...modelsRoutes, ...settingsRoutes] as const;

export const router = createRouter({
  routeTree: root.addChildren([
    ...authRoutes,
    signedIn.addChildren([deviceRoute, shell.addChildren(inShell)]),
  ]),
  defaultPreload: "intent",
  defaultPendingComponent: PagePending,
  defaultPendingMs: 250,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

/** Models, what they may cost, and what they did cost. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { MODEL_VIEWS, type ModelView } from "@/features/providers/model/views";
import { PRESETS } from "@/features/usage/model/range";
import { type UsageSearch, VIEWS } from "@/features/usage/model/search";
import { DIMENSIONS, METRICS, SORTS } from "@/features/usage/model/series";
import { oneOf, shell, some, text } from "./base";

const usage = createRoute({
  getParentRoute: () => shell,
  path: "/usage",
  validateSearch: (search): UsageSearch =>
    some({
      view: oneOf(VIEWS, search.view),
      by: oneOf(DIMENSIONS, search.by),
      metric: oneOf(METRICS, search.metric),
      range: oneOf(PRESETS, search.range),
      from: text(search.from),
      to: text(search.to),
      only: text(search.only),
      sort: oneOf(SORTS, search.sort),
      model: text(search.model),
    }),
  component: lazyRouteComponent(() => import("@/features/usage/ui/UsagePage"), "UsagePage"),
});

const budgets = createRoute({
  getParentRoute: () => shell,
  path: "/budgets",
  validateSearch: (search): { view?: "tools" } => (search.view === "tools" ? { view: "tools" } : {}),
  component: lazyRouteComponent(() => import("@/features/budgets/ui/BudgetsPage"), "BudgetsPage"),
});

const budget = createRoute({
  getParentRoute: () => shell,
  path: "/budgets/$scope",
  component: lazyRouteComponent(() => import("@/features/budgets/ui/BudgetPage"), "BudgetPage"),
});

const models = createRoute({
  getParentRoute: () => shell,
  path: "/models",
  validateSearch: (search): { view?: ModelView } => some({ view: oneOf(MODEL_VIEWS, search.view) }),
  component: lazyRouteComponent(() => import("@/features/providers/ui/ModelsPage"), "ModelsPage"),
});

const provider = createRoute({
  getParentRoute: () => shell,
  path: "/models/providers/$providerId",
  component: lazyRouteComponent(() => import("@/features/providers/ui/ProviderPage"), "ProviderPage"),
});

const profile = createRoute({
  getParentRoute: () => shell,
  path: "/models/profiles/$profileId",
  component: lazyRouteComponent(() => import("@/features/providers/ui/ProfilePage"), "ProfilePage"),
});

export const modelsRoutes = [usage, budgets, budget, models, provider, profile] as const;

/** Views of the list of runs: filters under a name. Kept by this browser, for each person in each organisation. */
import { t } from "@/strings";
import type { RunFilter } from "../api/runs";

export interface View {
  name: string;
  filter: RunFilter;
}

const s = t.runs.views;
export const builtIn: readonly View[] = [
  { name: s.all, filter: {} },
  { name: s.active, filter: { state: "running" } },
  { name: s.waiting, filter: { state: "waiting" } },
  { name: s.failed, filter: { state: "failed" } },
];

const key = (who: string) => `chancery.views.runs.${who}`;
const MOST = 20;

export function savedViews(who: string): View[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(who)) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isView) : [];
  } catch {
    return [];
  }
}

const isView = (it: unknown): it is View =>
  typeof it === "object" &&
  it !== null &&
  typeof (it as View).name === "string" &&
  typeof (it as View).filter === "object" &&
  (it as View).filter !== null;

/** Saves a view; one of the same name gives way. */
export function saveView(who: string, view: View): View[] {
  const views = [...savedViews(who).filter((it) => it.name !== view.name), view].slice(-MOST);
  localStorage.setItem(key(who), JSON.stringify(views));
  return views;
}

export function forgetView(who: string, name: string): View[] {
  const views = savedViews(who).filter((it) => it.name !== name);
  localStorage.setItem(key(who), JSON.stringify(views));
  return views;
}

export const isSameFilter = (a: RunFilter, b: RunFilter) =>
  a.state === b.state && a.agent === b.agent && a.session === b.session;

import { beforeEach, expect, test } from "vitest";
import { forgetView, isSameFilter, savedViews, saveView } from "./views";

beforeEach(() => localStorage.clear());

test("a view is kept for its organisation, replaced under its name, and forgotten", () => {
  saveView("org_1", { name: "Mine", filter: { state: "failed" } });
  saveView("org_1", { name: "Mine", filter: { agent: "agt_1" } });
  expect(savedViews("org_1")).toEqual([{ name: "Mine", filter: { agent: "agt_1" } }]);
  expect(savedViews("org_2")).toEqual([]);
  expect(forgetView("org_1", "Mine")).toEqual([]);
  expect(isSameFilter({ state: "failed" }, { state: "failed" })).toBe(true);
  expect(isSameFilter({ state: "failed" }, {})).toBe(false);
});

test("what is broken in the browser's storage is passed over", () => {
  localStorage.setItem("chancery.views.runs.org_1", '[{"name":1},{"name":"a","filter":{}}]');
  expect(savedViews("org_1")).toEqual([{ name: "a", filter: {} }]);
  localStorage.setItem("chancery.views.runs.org_1", "{");
  expect(savedViews("org_1")).toEqual([]);
});

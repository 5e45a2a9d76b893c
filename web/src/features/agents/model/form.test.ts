import { expect, test } from "vitest";
import type { Definition } from "../api/agents";
import { blank, bodyOf, changeOf, flawsIn, formOf, microsOf } from "./form";

const clerk: Definition = {
  name: "clerk",
  description: "Keeps our notes.",
  instructions: "Be brief.",
  engine: "builtin",
  planner: "model",
  model_profile_id: "mdl_1",
  tools: ["file.read", "file.write"],
  max_steps: 30,
  budget_usd_micros: 200_000,
  output_schema: { type: "object" } as never,
  labels: ["team"],
  workspace: "demo",
};

test("an agent goes into the form and comes out as it was", () => {
  expect(bodyOf(formOf(clerk))).toEqual(clerk);
  expect(changeOf(formOf(clerk), formOf(clerk))).toEqual({});
});

test("only what was changed is sent", () => {
  const before = formOf(clerk);
  const form = { ...before, tools: ["file.write"], budget: "", schema: "", labels: "team, night , team" };
  expect(changeOf(form, before)).toEqual({
    tools: ["file.write"],
    budget_usd_micros: null,
    output_schema: null,
    labels: ["night", "team"],
  });
});

test("the order of tools is no change", () => {
  const before = formOf(clerk);
  expect(changeOf({ ...before, tools: ["file.write", "file.read"] }, before)).toEqual({});
});

test("an agent that plans by rules has neither a profile nor a schema", () => {
  const body = bodyOf({ ...formOf(clerk), planner: "rules" });
  expect(body.model_profile_id).toBeNull();
  expect(body.output_schema).toBeNull();
});

test("amounts are read as people write them", () => {
  expect(microsOf("0.5")).toBe(500_000);
  expect(microsOf("$12")).toBe(12_000_000);
  expect(microsOf("0,25")).toBe(250_000);
  expect(microsOf("0.000001")).toBe(1);
  for (const text of ["", "-1", "1.0000001", "much", "1e3"]) expect(microsOf(text)).toBeUndefined();
});

test("what can't fit is said at its field", () => {
  expect(flawsIn({ ...blank, name: "x" })).toEqual({});
  const flaws = flawsIn({
    ...blank,
    instructions: "ä".repeat(9000),
    steps: "0",
    budget: "lots",
    workspace: "My Files",
    schema: "[1]",
  });
  expect(Object.keys(flaws).toSorted()).toEqual([
    "budget_usd_micros",
    "instructions",
    "max_steps",
    "name",
    "output_schema",
    "workspace",
  ]);
});

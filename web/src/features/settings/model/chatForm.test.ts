import { expect, it } from "vitest";
import { bodyOf, daysOf, formOf, isChanged } from "./chatForm";

const settings = {
  idle_after_days: 7,
  archive_after_days: null,
  retention: [{ label: "draft", after_days: 30, action: "delete" as const }],
  version: 1,
};

it("days are a whole number from 1, or nothing for never", () => {
  expect(daysOf(" 30 ")).toBe(30);
  expect(daysOf("")).toBeNull();
  for (const wrong of ["0", "-1", "1.5", "a week", "99999999"]) expect(daysOf(wrong)).toBeUndefined();
});

it("settings come back from their form as they were", () => {
  const form = formOf(settings);
  const { version: _, ...body } = settings;
  expect(bodyOf(form)).toEqual(body);
  expect(isChanged(form, settings)).toBe(false);
  expect(isChanged({ ...form, idle: "8" }, settings)).toBe(true);
  expect(isChanged({ ...form, idle: " 7 " }, settings)).toBe(false);
});

it("a rule has days, and may have no label", () => {
  const form = formOf(settings);
  const rule = { key: 9, label: " ", days: "", action: "archive" as const };
  expect(bodyOf({ ...form, rules: [rule] })).toBeUndefined();
  expect(bodyOf({ ...form, rules: [{ ...rule, days: "3" }] })?.retention).toEqual([
    { after_days: 3, action: "archive" },
  ]);
});

import { expect, test } from "vitest";
import { isSameJson, parseObject } from "./json";

test("an object is read; anything else is refused, with what is wrong", () => {
  expect(parseObject('{"a": 1}')).toEqual({ ok: true, value: { a: 1 } });
  for (const text of ["[1]", "null", '"x"', "4"])
    expect(parseObject(text)).toEqual({ ok: false, message: undefined });
  expect(parseObject("{")).toMatchObject({ ok: false, message: expect.any(String) });
});

test("the order of members does not matter, that of lists does", () => {
  expect(isSameJson({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 })).toBe(true);
  expect(isSameJson([1, 2], [2, 1])).toBe(false);
  expect(isSameJson({ a: undefined }, {})).toBe(false);
  expect(isSameJson({}, [])).toBe(false);
  expect(isSameJson(null, {})).toBe(false);
});

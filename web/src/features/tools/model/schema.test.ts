import { expect, test } from "vitest";
import { exampleOf, fieldsOf, filled, rowsOf, typedOf, typeOf } from "./schema";

const schema = {
  type: "object",
  required: ["path", "limit"],
  additionalProperties: false,
  properties: {
    path: { type: "string", description: "where", maxLength: 9 },
    limit: { type: "integer", minimum: 1 },
    mode: { enum: ["a", "b"] },
    deep: { type: "boolean" },
  },
};

test("a schema is a table, with what is inside objects and lists below them", () => {
  const nested = {
    type: "object",
    properties: {
      filter: { type: "object", required: ["name"], properties: { name: { type: ["string", "null"] } } },
      items: { type: "array", items: { type: "object", properties: { id: { const: 4 } } } },
    },
  };
  expect(rowsOf(nested).map((it) => [it.path, it.depth, it.type, it.isRequired, it.rules])).toEqual([
    ["filter", 0, "object", false, []],
    ["filter.name", 1, "text / nothing", true, []],
    ["items", 0, "list of object", false, []],
    ["items[].id", 1, "always", false, ["4"]],
  ]);
  expect(rowsOf(schema)[0]).toMatchObject({ description: "where", rules: ["at most 9 characters"] });
  expect(typeOf(true)).toBe("anything");
});

test("a schema that holds itself ends", () => {
  const loop: Record<string, unknown> = { type: "object" };
  loop.properties = { again: loop };
  expect(rowsOf(loop).length).toBeLessThan(10);
});

test("simple arguments are fields of a form; others are written as JSON", () => {
  expect(fieldsOf(schema)?.map((it) => it.kind)).toEqual(["text", "integer", "choice", "boolean"]);
  expect(fieldsOf({ type: "object", properties: { list: { type: "array" } } })).toBeUndefined();
  expect(fieldsOf({ oneOf: [] })).toBeUndefined();
  expect(fieldsOf({ type: "object" })).toEqual([]);
});

test("fields become arguments, and say what is missing or no number", () => {
  const fields = fieldsOf(schema) ?? [];
  expect(filled(fields, { path: "notes", limit: "3", deep: "false" })).toEqual({
    value: { path: "notes", limit: 3, deep: false },
    flaws: {},
  });
  expect(Object.keys(filled(fields, { path: "notes", limit: "3.5" }).flaws)).toEqual(["limit"]);
  expect(Object.keys(filled(fields, {}).flaws)).toEqual(["limit"]);
  expect(typedOf({ path: "x", limit: 3 })).toEqual({ path: "x", limit: "3" });
});

test("an example has what is required", () => {
  expect(exampleOf({ type: "object", required: ["list"], properties: { list: { type: "array" } } })).toEqual({
    list: [],
  });
});

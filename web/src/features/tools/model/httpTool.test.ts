import { expect, test } from "vitest";
import type { HistoryEvent } from "@/features/record/api/history";
import { argumentsIn, blank, changeOf, draftOf, flawsIn, hostOf, missingIn, versionsOf } from "./httpTool";

const sound = { ...blank, name: "status", url: "https://api.example.com/items/{id}" };

test("a sound tool is sent whole, with secrets by name alone", () => {
  const headers = [
    { name: "authorization", value: "Bearer ", secret: "token" },
    { name: " ", value: "x", secret: "" },
  ];
  expect(flawsIn(sound, true)).toEqual({});
  expect(draftOf({ ...sound, headers, idempotent: "no" })).toMatchObject({
    method: "GET",
    url_template: "https://api.example.com/items/{id}",
    headers: [{ name: "authorization", value: "Bearer ", secret: "token" }],
    idempotent: false,
  });
});

test("only what is changed is sent, and headers only if they are replaced", () => {
  const before = { ...sound, headers: null, idempotent: "yes" as const };
  expect(changeOf(before, before)).toEqual({});
  expect(changeOf({ ...before, url: "https://b.example.com/{id}", headers: [] }, before)).toEqual({
    url_template: "https://b.example.com/{id}",
    headers: [],
  });
});

test("the host is what is written out, and no argument", () => {
  expect(hostOf("http://127.0.0.1:7300/v1/{thing}")).toBe("127.0.0.1:7300");
  for (const url of ["https://{host}/x", "example.com/x", "https://example.com", "ftp://a/b"])
    expect(hostOf(url)).toBeUndefined();
  expect(argumentsIn("https://a.example/{x}/{y}?z={x}")).toEqual(["x", "y"]);
});

test("arguments of the URL that nothing describes are named", () => {
  const form = { ...sound, url: "https://a.example/{other}" };
  expect(missingIn(form)).toEqual(["other"]);
  expect(flawsIn(form, true).schema).toContain("{other}");
  expect(Object.keys(flawsIn({ ...sound, name: "a b", url: "", schema: "[" }, true)).toSorted()).toEqual([
    "name",
    "schema",
    "url_template",
  ]);
});

const event = (seq: number, kind: string, data: Record<string, unknown>): HistoryEvent => ({
  seq,
  kind,
  data,
  at: "",
  subject: "htl_1",
  run: undefined,
  session: undefined,
  actor: {},
});

test("the record has a tool's versions since it was last made", () => {
  const put = (seq: number, version: number) =>
    event(seq, "tool.configured", {
      name: "status",
      version,
      method: "GET",
      url_template: `https://a/${seq}`,
    });
  const events = [put(9, 2), put(8, 1), event(7, "tool.removed", { name: "status" }), put(6, 1)];
  expect(versionsOf(events, "status").map((it) => it.seq)).toEqual([9, 8]);
  expect(versionsOf(events, "other")).toEqual([]);
});

import { beforeEach, expect, test } from "vitest";
import { ApiError, problemOf } from "@/api/problem";
import { token } from "./cedar";
import { flipOf, fromDays, isName, keepDraft, keptDraft, rulesIn } from "./draft";
import { flawOf, flawsOf, rangeOf } from "./problems";

beforeEach(() => sessionStorage.clear());

test("the server's place of a mistake is found in the text", () => {
  const flaw = flawOf("policy `team`, line 2, column 3: unrecognized action `x`: did you mean `y`?");
  expect(flaw).toEqual({
    policy: "team",
    line: 2,
    column: 3,
    message: "unrecognized action `x`: did you mean `y`?",
  });
  const text = "permit (\n  principal, x);";
  expect(rangeOf(text, flaw)).toEqual({ from: 11, to: 20 });
  expect(rangeOf(text, { line: 99, column: 99 })).toEqual({ from: text.length, to: text.length });
  expect(flawOf("something else")).toMatchObject({ policy: undefined, line: 1, message: "something else" });
});

test("only a refusal of the text is about the text", () => {
  const errors = [{ pointer: "/cedar", message: "policy `a`, line 1, column 1: no" }];
  const refused = { code: "INVALID", detail: "no", status: 422, errors };
  expect(flawsOf(new ApiError(problemOf(422, refused)))).toHaveLength(1);
  expect(flawsOf(new ApiError(problemOf(503, { ...refused, status: 503 })))).toEqual([]);
  expect(flawsOf(new Error("no"))).toEqual([]);
});

test("rules are counted, but not those in comments and strings", () => {
  expect(rulesIn('permit (a);\n// permit (b)\n@reason("forbid (c)")\nforbid(d);')).toBe(2);
  expect(rulesIn("")).toBe(0);
});

test("a draft is kept until it is published", () => {
  keepDraft("org_1", "team", "x");
  expect(keptDraft("org_1", "team")).toBe("x");
  expect(keptDraft("org_2", "team")).toBeUndefined();
  keepDraft("org_1", "team", undefined);
  expect(keptDraft("org_1", "team")).toBeUndefined();
});

test("names, times and flips are read as they are, or not at all", () => {
  expect(["team", "a.b-c_1", "", "a b", "ä"].map(isName)).toEqual([true, true, false, false, false]);
  expect(fromDays(7, Date.parse("2026-01-08T00:00:00Z"))).toBe("2026-01-01T00:00:00.000Z");
  expect(fromDays(0, 0)).toBeUndefined();
  expect(flipOf({ event_id: "evt_1", recorded: "allow", simulated: "deny", step: 2 })).toMatchObject({
    recorded: "allow",
    simulated: "deny",
    step: 2,
    run: undefined,
  });
  expect(flipOf(null)).toBeUndefined();
  expect(flipOf({})).toBeUndefined();
});

/** The kinds of the words of a line. */
function kindsOf(line: string): [string, string][] {
  let at = 0;
  const stream = {
    match(pattern: string | RegExp) {
      const rest = line.slice(at);
      const found = typeof pattern === "string" ? rest.startsWith(pattern) && [pattern] : pattern.exec(rest);
      if (!found) return null;
      at += found[0]?.length ?? 0;
      return found as RegExpMatchArray;
    },
    next: () => line[at++],
    eatSpace() {
      const before = at;
      while (line[at] === " ") at += 1;
      return at > before;
    },
    skipToEnd() {
      at = line.length;
    },
  };
  const kinds: [string, string][] = [];
  while (at < line.length) {
    const before = at;
    const kind = token(stream as Parameters<typeof token>[0]);
    if (kind && kind !== "punctuation") kinds.push([line.slice(before, at), kind]);
  }
  return kinds;
}

test("Cedar's words have their kinds", () => {
  expect(
    kindsOf('@id("a") permit (principal in Chancery::Role::"member") when { context.risk < 10 }; // x'),
  ).toEqual([
    ["@id", "meta"],
    ['"a"', "string"],
    ["permit", "keyword"],
    ["principal", "variableName.special"],
    ["in", "operatorKeyword"],
    ["Chancery::Role::", "typeName"],
    ['"member"', "string"],
    ["when", "keyword"],
    ["context", "variableName.special"],
    ["risk", "propertyName"],
    ["<", "operator"],
    ["10", "number"],
    ["// x", "comment"],
  ]);
});

import { describe, expect, test } from "vitest";
import { diffLines, folded } from "./diff";

const written = (before: string, after: string) =>
  diffLines(before, after)
    .map((line) => ({ same: " ", added: "+", removed: "-" })[line.kind] + line.text)
    .join("\n");

test("what is the same is kept, and the rest is taken out and put in", () => {
  expect(written("a\nb\nc\nd", "a\nx\nc\nd\ne")).toBe(" a\n-b\n+x\n c\n d\n+e");
  expect(written("", "a\nb")).toBe("+a\n+b");
  expect(written("a\n", "a\n")).toBe(" a\n ");
  expect(written("a\nb", "")).toBe("-a\n-b");
});

test("either side can be read back from any difference", () => {
  const texts = ["", "a", "a\nb\na\nc", "c\na\nb\nb", "x\n\n\ny"];
  for (const before of texts) {
    for (const after of texts) {
      const lines = diffLines(before, after);
      const side = (other: string) => lines.filter((line) => line.kind !== other).map((line) => line.text);
      expect(side("added").join("\n")).toBe(before);
      expect(side("removed").join("\n")).toBe(after);
    }
  }
});

describe("what is left out of a difference", () => {
  const text = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}`);
  const kinds = (before: string[], after: string[]) =>
    folded(diffLines(before.join("\n"), after.join("\n"))).map((it) =>
      it.kind === "fold" ? it.count : it.kind,
    );

  test("is what lies more than three lines from a change", () => {
    expect(kinds(text(20), [...text(20), "more"])).toEqual([17, "same", "same", "same", "added"]);
    expect(kinds(["first", ...text(5)], text(5))).toEqual(["removed", "same", "same", "same", 2]);
  });

  test("is nothing where changes are near each other, and everything where there is none", () => {
    const lines = text(7);
    expect(kinds(["a", ...lines.slice(1, 6), "b"], ["c", ...lines.slice(1, 6), "d"])).not.toContain(1);
    expect(kinds(lines, lines)).toEqual([7]);
    expect(folded([])).toEqual([]);
  });
});

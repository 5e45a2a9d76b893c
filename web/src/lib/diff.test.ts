import { expect, test } from "vitest";
import { diffLines } from "./diff";

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

import { expect, test } from "vitest";
import { titleFrom } from "./title";

test("a chat is called by the beginning of what was said", () => {
  expect(titleFrom("Hello there")).toBe("Hello there");
  expect(titleFrom("@demo @release-notes **Summarise** `notes`\nand more")).toBe("Summarise notes");
  expect(titleFrom("@demo")).toBe("");
  const long = titleFrom(`${"word ".repeat(30)}`);
  expect(long).toMatch(/^(word ){11}word…$/);
  expect(titleFrom("x".repeat(100))).toBe(`${"x".repeat(60)}…`);
});

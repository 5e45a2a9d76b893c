import { expect, test } from "vitest";
import { completed, mentionAt, mentionName } from "./mentions";

test("names are mentioned by the server's rule", () => {
  expect(mentionName("Release Notes")).toBe("release-notes");
  expect(mentionName("Ada Lovelace")).toBe("ada-lovelace");
  expect(mentionName(" --Ünïcode 7! ")).toBe("ünïcode-7");
});

test("a mention is begun by @ at the beginning of a word", () => {
  expect(mentionAt("hello @de", 9)).toEqual({ from: 6, query: "de" });
  expect(mentionAt("@", 1)).toEqual({ from: 0, query: "" });
  expect(mentionAt("a@b", 3)).toBeUndefined();
  expect(mentionAt("@done and", 9)).toBeUndefined();
});

test("completing keeps what stands behind the caret", () => {
  expect(completed("ask @de about it", 7, "demo")).toEqual({ text: "ask @demo  about it", caret: 10 });
  expect(completed("no mention", 2, "demo")).toEqual({ text: "no mention", caret: 2 });
});

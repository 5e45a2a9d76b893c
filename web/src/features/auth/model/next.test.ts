import { expect, test } from "vitest";
import { safeNext, takeToken } from "./next";

test("only addresses of this app are gone on to", () => {
  expect(safeNext("/chats/ses_1?x=1#end")).toBe("/chats/ses_1?x=1#end");
  expect(safeNext("/runs?state=a%26b")).toBe("/runs?state=a%26b");
  for (const bad of [
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "/.//evil.example",
    "javascript:alert(1)",
    undefined,
    7,
  ]) {
    expect(safeNext(bad)).toBe("/");
  }
});

test("a token is read from the fragment, and leaves the address", () => {
  history.replaceState(null, "", "/reset-password?a=1#token=crt_abc");
  expect(takeToken(location.hash)).toBe("crt_abc");
  expect(location.href).toContain("/reset-password?a=1");
  expect(location.hash).toBe("");
  expect(takeToken("")).toBeUndefined();
});

import { expect, it } from "vitest";
import { ending, expiresAt } from "./keys";

const now = Date.parse("2026-03-01T00:00:00Z");

it("a key ends so many days from now, or not at all", () => {
  expect(expiresAt("7", now)).toBe("2026-03-08T00:00:00.000Z");
  expect(expiresAt("never", now)).toBeNull();
});

it("the end of a key is near in its last week", () => {
  expect(ending(null, now)).toBe("never");
  expect(ending("2026-03-09T00:00:00Z", now)).toBe("later");
  expect(ending("2026-03-07T23:59:59Z", now)).toBe("soon");
  expect(ending("2026-03-01T00:00:00Z", now)).toBe("over");
});

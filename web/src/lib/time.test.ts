import { expect, test } from "vitest";
import { ago, span, when } from "./time";

test("a span is said in at most two units", () => {
  expect(span(0)).toBe("0 s");
  expect(span(-5)).toBe("0 s");
  expect(span(59_999)).toBe("59 s");
  expect(span(250_000)).toBe("4 min 10 s");
  expect(span(3_600_000)).toBe("1 h");
  expect(span(86_399_000)).toBe("23 h 59 min");
  expect(span(90_000_000)).toBe("1 d 1 h");
});

test("what is past is named by how far it is", () => {
  const now = Date.parse("2026-03-02T15:00:00Z");
  expect(ago("2026-03-02T14:59:30Z", now)).toBe("now");
  expect(ago("2026-03-02T14:48:00Z", now)).toBe("12 min");
  expect(ago("not a time", now)).toBe("");
});

test("in a sentence what is past has its preposition", () => {
  const now = Date.parse("2026-03-02T15:00:00Z");
  expect(when("2026-03-02T14:59:30Z", now)).toBe("just now");
  expect(when("2026-03-02T14:48:00Z", now)).toBe("12 min ago");
  expect(when("2025-03-02T14:48:00Z", now)).toMatch(/^on /);
  expect(when("not a time", now)).toBe("");
});

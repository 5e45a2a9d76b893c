import { expect, it } from "vitest";
import { clientName } from "./client";

it("a browser is called by its name and system", () => {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  const edge =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0";
  expect(clientName(firefox)).toBe("Firefox on Linux");
  expect(clientName(edge)).toBe("Edge on Windows");
});

it("anything else is called what it calls itself", () => {
  expect(clientName("chancery on laptop")).toBe("chancery on laptop");
  expect(clientName("<b>Chrome/1</b>")).toBe("<b>Chrome/1</b>");
  expect(clientName(null)).toBeUndefined();
});

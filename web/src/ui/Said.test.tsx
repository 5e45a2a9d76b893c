import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { Said } from "./Said";

const shown = (text: string) => renderToStaticMarkup(<Said text={text} />).replaceAll(/ class="[^"]*"/g, "");

it("sets names in backticks as code, and ends the sentence", () => {
  expect(shown("`demo#reads` permits it")).toBe("<code>demo#reads</code> permits it.");
  expect(shown("ask for `a` or `b`!")).toBe("Ask for <code>a</code> or <code>b</code>!");
});

it("takes nothing else for markup", () => {
  expect(shown("a ` alone, <b>and</b>")).toBe("A ` alone, &lt;b&gt;and&lt;/b&gt;.");
  expect(shown("the name `<i>`")).toBe("The name <code>&lt;i&gt;</code>.");
  expect(shown("``")).toBe("``.");
});

import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { Markdown } from "./Markdown";

function drawn(text: string): HTMLElement {
  const element = document.createElement("div");
  element.innerHTML = renderToStaticMarkup(<Markdown text={text} />);
  return element;
}
const linksOf = (text: string) =>
  [...drawn(text).querySelectorAll("a")].map((it) => [it.textContent, it.getAttribute("href")]);

test("a link by reference leads where the text says further below, if a link may lead there", () => {
  const text = "See [the plan][1] and [plan].\n\n[1]: https://a.example/1\n[plan]: https://a.example/2";
  expect(linksOf(text)).toEqual([
    ["the plan", "https://a.example/1"],
    ["plan", "https://a.example/2"],
  ]);
  expect(drawn(text).textContent).not.toContain("https://a.example");
  expect(linksOf("[click][x]\n\n[x]: javascript:alert(1)")).toEqual([]);
});

test("words are the ones that were written, and nothing of them is markup", () => {
  const text = "a < b & c <b>d</b> \\*e\\* `<i>`";
  expect(drawn(text).textContent).toBe("a < b & c <b>d</b> *e* <i>");
  expect(drawn(text).querySelector("b, i")).toBeNull();
});

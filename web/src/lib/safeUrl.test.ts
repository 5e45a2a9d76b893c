import { expect, test } from "vitest";
import { artifactIn, safeUrl } from "./safeUrl";

test("links lead to pages and mails", () => {
  for (const good of [
    "https://a.example/b?c",
    "http://a.example",
    "mailto:a@b.example",
    "/chats/ses_1",
    "#part",
  ]) {
    expect(safeUrl(good)).toBe(good);
  }
});

test("links lead into no script, whatever they are dressed in", () => {
  const bad = ["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)"];
  bad.push("\u0001javascript:alert(1)", "java\tscript:x", "data:text/html,<script>", "vbscript:x", "blob:x");
  bad.push("//evil.example", "\\\\evil.example", "/\\evil.example", "file:///etc/passwd", "", "x");
  for (const href of [...bad, null, undefined]) expect(safeUrl(href)).toBeUndefined();
});

test("an artifact is known by its id", () => {
  const id = "art_01a2005b-0dd7-7bfb-a0e3-40a5b077dd27";
  expect(artifactIn(`/v1/artifacts/${id}/content`)).toBe(id);
  expect(artifactIn("https://evil.example/art_1.png")).toBeUndefined();
});

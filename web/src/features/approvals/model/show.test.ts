import { expect, test } from "vitest";
import { mayAnswer, shownArguments, targetName, withNames } from "./show";

test("targets are named as people know them", () => {
  expect(targetName({ kind: "file", path: "notes/a.md", workspace: "demo" })).toBe("notes/a.md");
  const http = { kind: "http", method: "GET", scheme: "http", host: "127.0.0.1", port: 7300, path: "/livez" };
  expect(targetName(http)).toBe("GET http://127.0.0.1:7300/livez");
  expect(targetName({ ...http, scheme: "https", port: 443 })).toBe("GET https://127.0.0.1/livez");
  expect(targetName({ kind: "skill", name: "word-count" })).toBe("word-count");
  expect(targetName(null)).toBe("");
});

test("a change of a file is a difference, and everything else is said too", () => {
  const write = shownArguments("file.write", { path: "a", content: "x\ny" });
  expect(write.writesWhole).toBe(true);
  expect(write.diff?.map((line) => line.text)).toEqual(["x", "y"]);
  expect(write.rest).toEqual([["path", "a"]]);
  const edit = shownArguments("file.edit", { path: "a", old: "x", new: "y" });
  expect(edit.diff?.map((line) => line.kind)).toEqual(["removed", "added"]);
  const other = shownArguments("http.fetch", { url: "http://a", headers: { b: 1 } });
  expect(other.diff).toBeUndefined();
  expect(other.rest).toEqual([
    ["url", "http://a"],
    ["headers", '{\n  "b": 1\n}'],
  ]);
  expect(shownArguments("file.write", { path: "a", content: 7 }).rest).toEqual([
    ["path", "a"],
    ["content", "7"],
  ]);
});

test("whoever is behind a run does not answer where four eyes are asked for", () => {
  const request = { four_eyes: true, requested_by: "usr_1", status: "pending" };
  expect(mayAnswer(request, { userId: "usr_1", isMember: true })).toBe("own");
  expect(mayAnswer(request, { userId: "usr_2", isMember: true })).toBe("yes");
  expect(mayAnswer(request, { userId: "usr_2", isMember: false })).toBe("viewer");
  expect(mayAnswer({ ...request, status: "denied" }, { userId: "usr_2", isMember: true })).toBe("decided");
});

test("agents are called by their names in sentences", () => {
  const id = "agt_01a2005b-0dd7-7bfb-a0e3-40a5b077dd27";
  expect(withNames(`The agent ${id} may write.`, () => "demo")).toBe("The agent “demo” may write.");
});

import { expect, test } from "vitest";
import { needsOf } from "./needs";
import { base64, filesOf, isHidden, packed, sizeOf, withoutFolder } from "./package";

const file = (path: string, text: string) => {
  const it = new File([text], path.split("/").at(-1) ?? "");
  Object.defineProperty(it, "webkitRelativePath", { value: path });
  // jsdom has no way to read a file's bytes.
  Object.defineProperty(it, "arrayBuffer", {
    value: () => Promise.resolve(new TextEncoder().encode(text).buffer),
  });
  return it;
};

test("a folder becomes files without its own name, scripts marked, hidden ones left out", async () => {
  const { files, leftOut } = await filesOf([
    file("skill/scripts/run.sh", "#!/bin/sh\n"),
    file("skill/SKILL.md", "---\n"),
    file("skill/.git/HEAD", "x"),
  ]);
  expect(files.map((it) => [it.path, it.executable])).toEqual([
    ["scripts/run.sh", true],
    ["SKILL.md", false],
  ]);
  expect(leftOut).toBe(1);
  expect(sizeOf(files)).toBe(14);
  expect(packed(files)[1]).toEqual({ path: "SKILL.md", content_base64: "LS0tCg==", executable: false });
});

test("bytes of any length become base64", () => {
  const bytes = new Uint8Array(100_000).fill(255);
  expect(base64(bytes)).toHaveLength(Math.ceil(100_000 / 3) * 4);
  expect(base64(new Uint8Array())).toBe("");
});

test("paths", () => {
  expect(withoutFolder("SKILL.md")).toBe("SKILL.md");
  expect(isHidden("a/.b/c")).toBe(true);
  expect(isHidden("a/b.c")).toBe(false);
});

test("what a skill is given is said, also what it did not ask for", () => {
  expect(needsOf({ network: false, workspace: "read", memory_bytes: 67108864, timeout_ms: 10000 })).toEqual([
    ["Network", "none"],
    ["Files of the workspace", "read only"],
    ["Memory at most", "64 MiB"],
    ["Time at most", "10 s"],
    ["Processes at most", "what the job gives"],
  ]);
  expect(needsOf(null)).toEqual([]);
});

import { describe, expect, it } from "vitest";
import { find, score, type Thing, wordsOf } from "./find";
import { jumpTo } from "./ids";

const thing = (kind: Thing["kind"], name: string, detail?: string): Thing => ({
  kind,
  id: `${kind}-1`,
  name,
  detail,
  href: "/",
});

describe("finding", () => {
  it("wants every word, anywhere in the name or beside it", () => {
    expect(score(thing("agent", "Release notes", "writes"), wordsOf("notes writes"))).toBeGreaterThan(0);
    expect(score(thing("agent", "Release notes", "writes"), wordsOf("notes reads"))).toBe(0);
  });
  it("puts what begins with it before what has it inside", () => {
    const all = [thing("tool", "http.status"), thing("tool", "status"), thing("tool", "estatus")];
    expect(find(all, "STATUS", 5)[0]?.things.map((it) => it.name)).toEqual([
      "status",
      "http.status",
      "estatus",
    ]);
  });
  it("groups by kind and keeps so many of each", () => {
    const all = [thing("tool", "a1"), thing("chat", "a2"), thing("tool", "a3"), thing("tool", "a4")];
    expect(find(all, "a", 2).map((it) => [it.kind, it.things.length])).toEqual([
      ["chat", 1],
      ["tool", 2],
    ]);
    expect(find(all, "  ", 2)).toEqual([]);
  });
});

describe("what is pasted", () => {
  const id = "01a20100-de98-7e20-aa5e-3bfbd3982fdf";
  const to = (text: string) => jumpTo(text, "https://here.example")?.href;
  it("leads to its page", () => {
    expect(to(` run_${id} `)).toBe(`/runs/run_${id}`);
    expect(to(`AGT_${id}`)).toBe(`/agents/agt_${id}`);
    expect(to(`usr_${id}`)).toBe("/settings/members");
    expect(to("#42")).toBe("/record/42");
    expect(to("42")).toBe("/record/42");
    expect(to(`https://here.example/runs/run_${id}?tab=events`)).toBe(`/runs/run_${id}?tab=events`);
  });
  it("leads nowhere if it is no id, or another place's", () => {
    for (const text of [
      "run_1",
      `xyz_${id}`,
      "0",
      "https://there.example/runs",
      "https://here.example.evil/x",
    ])
      expect(to(text)).toBeUndefined();
  });
});

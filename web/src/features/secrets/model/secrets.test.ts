import { expect, it } from "vitest";
import type { RecordEvent } from "@/api/events";
import { grantedFirst, isSame, toggled, withGone } from "./grants";
import { rotationOf, untilRetired } from "./rotation";

const event = (data: Record<string, unknown>, at = "2026-03-01T00:00:00Z"): RecordEvent => ({
  seq: 1,
  kind: "data_key.rotated",
  at,
  run: undefined,
  session: undefined,
  actor: { user: "usr_a" },
  data,
});

it("choices are the same whatever their order", () => {
  const a = { tools: ["x", "y"], agents: [] };
  expect(isSame(a, { tools: ["y", "x"], agents: [] })).toBe(true);
  expect(isSame(a, { tools: ["x"], agents: [] })).toBe(false);
  expect(isSame(a, { tools: ["x", "y"], agents: ["agt_1"] })).toBe(false);
  expect(toggled(["x"], "y")).toEqual(["x", "y"]);
  expect(toggled(["x", "y"], "x")).toEqual(["y"]);
});

it("what is granted and gone stays in sight", () => {
  const all = withGone([{ id: "status", name: "status" }], ["status", "old"], "gone");
  expect(all.map((it) => [it.id, it.note])).toEqual([
    ["status", undefined],
    ["old", "gone"],
  ]);
  expect(grantedFirst(all, ["old"]).map((it) => it.id)).toEqual(["old", "status"]);
});

it("a rotation is as far as the record says since its key was made", () => {
  expect(rotationOf([])).toBeUndefined();
  const events = [
    event({ version: 2 }),
    event({ version: 2, resealed: 9 }),
    event({ version: 2, retired: 1 }),
    event({ version: 3 }, "2026-03-02T00:00:00Z"),
    event({ version: 3, resealed: 4 }),
    event({ version: 3, resealed: 3 }),
  ];
  const rotation = rotationOf(events);
  expect(rotation).toMatchObject({ version: 3, moved: 7, retired: 0, user: "usr_a" });
  expect(rotation && untilRetired(rotation, Date.parse("2026-03-02T00:20:00Z"))).toBe(40 * 60_000);
  expect(rotation && untilRetired(rotation, Date.parse("2026-03-02T02:00:00Z"))).toBe(0);
});

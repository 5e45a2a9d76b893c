import { describe, expect, it } from "vitest";
import type { RecordEvent } from "@/api/events";
import { groupOf, kindsOf } from "./kinds";
import { dayOf, isSomebodysAct, saying } from "./say";

const event = (kind: string, data: Record<string, unknown>): RecordEvent => ({
  seq: 1,
  kind,
  at: "2026-03-01T10:00:00Z",
  run: undefined,
  session: undefined,
  actor: { user: "usr_a" },
  data,
});
const names = {
  of: (id: string) => (id === "usr_b" ? "Bob" : id),
  other: (id: string) => (id === "key_1" ? "CI" : undefined),
};

describe("an act", () => {
  it("is said as a sentence", () => {
    const said = (kind: string, data: Record<string, unknown>, subject: string) =>
      saying(event(kind, data), subject, names);
    expect(said("member.updated", { role: "admin", suspended: false }, "usr_b")).toBe(
      "gave Bob the role Admin",
    );
    expect(said("member.updated", { role: "admin", suspended: true }, "usr_b")).toBe("suspended Bob");
    expect(said("key.created", { role: "viewer" }, "key_1")).toBe("made the API key CI with the role Viewer");
    expect(said("policy.published", { name: "demo", version: 3 }, "pol_1")).toBe(
      "published the policy demo, version 3",
    );
    expect(said("secret.granted", { name: "s", tools: ["x"], agents: ["usr_b"] }, "sec_1")).toBe(
      "let x use the secret s for Bob",
    );
    expect(said("member.joined", { role: "viewer" }, "usr_a")).toBe("joined as Viewer");
    expect(said("invitation.revoked", {}, "inv_1")).toBe("withdrew the invitation of somebody");
  });
  it("is somebody's only when a rotation begins", () => {
    expect(isSomebodysAct(event("data_key.rotated", { version: 2 }))).toBe(true);
    expect(isSomebodysAct(event("data_key.rotated", { version: 2, resealed: 4 }))).toBe(false);
    expect(isSomebodysAct(event("run.failed", {}))).toBe(false);
  });
  it("belongs to one group", () => {
    expect(groupOf("policy.deleted")).toBe("policies");
    expect(new Set(kindsOf(undefined)).size).toBe(kindsOf(undefined).length);
    expect(kindsOf("people")).toContain("member.removed");
  });
});

it("days are today, yesterday or a date", () => {
  const now = Date.parse("2026-03-02T12:00:00Z");
  expect(dayOf("2026-03-02T11:00:00Z", now)).toBe("Today");
  expect(dayOf("2026-03-01T11:00:00Z", now)).toBe("Yesterday");
  expect(dayOf("2026-02-01T11:00:00Z", now)).toContain("2026");
});

import { describe, expect, it } from "vitest";
import type { Member, Role } from "../api/members";
import { found, isLastOwner, mayChange, roleQuestion, rolesUpTo } from "./members";

const member = (name: string, role: Role, more: Partial<Member> = {}): Member => ({
  user_id: `usr_${name}`,
  name,
  email: `${name}@example.com`,
  role,
  suspended: false,
  joined_at: "2026-01-01T00:00:00Z",
  ...more,
});

describe("the last owner", () => {
  const ada = member("ada", "owner");
  it("is whoever is the only one that can act", () => {
    expect(isLastOwner(ada, [ada, member("bob", "admin")])).toBe(true);
    expect(isLastOwner(ada, [ada, member("bob", "owner", { suspended: true })])).toBe(true);
  });
  it("is nobody as long as there are two", () => {
    expect(isLastOwner(ada, [ada, member("bob", "owner")])).toBe(false);
  });
  it("is no suspended owner", () => {
    expect(isLastOwner({ ...ada, suspended: true }, [ada])).toBe(false);
  });
});

describe("roles", () => {
  it("are handed out up to one's own", () => {
    expect(rolesUpTo("admin")).toEqual(["viewer", "member", "admin"]);
    expect(rolesUpTo("owner")).toContain("owner");
  });
  it("of somebody above stay as they are, and members change nobody", () => {
    expect(mayChange("admin", member("ada", "owner"))).toBe(false);
    expect(mayChange("admin", member("bob", "admin"))).toBe(true);
    expect(mayChange("member", member("eve", "viewer"))).toBe(false);
  });
  it("are asked about when one lowers oneself or makes an owner", () => {
    expect(roleQuestion(member("ada", "owner"), "admin", "usr_ada")).toBe("own");
    expect(roleQuestion(member("bob", "admin"), "owner", "usr_ada")).toBe("owner");
    expect(roleQuestion(member("bob", "admin"), "viewer", "usr_ada")).toBeUndefined();
  });
});

it("members are found by name and address", () => {
  const all = [member("ada", "owner"), member("bob", "admin")];
  expect(found(all, " BOB@").map((it) => it.name)).toEqual(["bob"]);
  expect(found(all, "")).toHaveLength(2);
});

import { afterEach, expect, test } from "vitest";
import { chooseOrg, enter, leave } from "@/api/auth";
import { queryClient } from "./queryClient";

const org = (id: string) => ({ id, name: id, role: "member" }) as never;
const come = (user: string) =>
  enter({ user: { id: user }, access_token: "t", expires_in: 900 } as never, [org("org_1"), org("org_2")]);

afterEach(leave);

test("what one person knows in one organisation is known nowhere else, also when it comes late", () => {
  come("usr_a");
  chooseOrg("org_1");
  const first = queryClient();
  first.setQueryData(["agents"], "of a, 1");
  expect(queryClient()).toBe(first);
  chooseOrg("org_2");
  expect(queryClient().getQueryData(["agents"])).toBeUndefined();
  // What a mutation does that was sent before.
  first.setQueryData(["session", "ses_1"], "late");
  expect(queryClient().getQueryData(["session", "ses_1"])).toBeUndefined();
  chooseOrg("org_1");
  expect(queryClient().getQueryData(["agents"])).toBeUndefined();
  queryClient().setQueryData(["agents"], "of a");
  leave();
  come("usr_b");
  expect(queryClient().getQueryData(["agents"])).toBeUndefined();
});

import { describe, expect, it } from "vitest";
import type { RecordEvent } from "@/api/events";
import { budgetNotices, type Heard, type Notice, noticesOf, together } from "./notices";
import { allRead, isRead, readStateOf, seenAt, withRead } from "./read";

const heard = (seq: number, kind: string, more: Partial<RecordEvent> = {}, subject = ""): Heard => ({
  event: {
    seq,
    kind,
    at: `2026-03-01T10:00:${String(seq).padStart(2, "0")}Z`,
    run: undefined,
    session: undefined,
    actor: { user: "usr_me", agent: "agt_1" },
    data: {},
    ...more,
  },
  subject,
});
const name = (id: string | undefined) => id ?? "?";
const kinds = (all: readonly Heard[]) => noticesOf(all, "usr_me", name).map((it) => it.id);

describe("what concerns me", () => {
  it("are my runs, and nobody else's", () => {
    const mine = heard(1, "run.failed", { run: "run_1", data: { code: "X" } });
    const other = heard(2, "run.failed", { run: "run_2", actor: { user: "usr_you", agent: "agt_1" } });
    expect(kinds([mine, other])).toEqual(["failed:1"]);
  });
  it("is the newest end of a chat, once", () => {
    const end = (seq: number, session: string) => heard(seq, "run.succeeded", { run: `run_${seq}`, session });
    expect(kinds([end(1, "ses_a"), end(2, "ses_b"), end(3, "ses_a")])).toEqual(["ended:3", "ended:2"]);
    expect(kinds([heard(4, "run.succeeded", { run: "run_4" })])).toEqual([]);
  });
  it("is a message that mentions me, unless I wrote it", () => {
    const said = (seq: number, author: string, mentions: string[]) =>
      heard(seq, "message.posted", { session: "ses_a", data: { author, mentions } });
    expect(
      kinds([said(1, "usr_you", ["usr_me"]), said(2, "usr_me", ["usr_me"]), said(3, "usr_you", [])]),
    ).toEqual(["mention:1"]);
  });
  it("is told once, from whichever list it comes", () => {
    const [one, two] = [1, 2].map((seq) => heard(seq, "run.failed", { run: `run_${seq}` }));
    if (one && two) expect(kinds(together([one], [two, one]))).toEqual(["failed:2", "failed:1"]);
  });
  it("is a node as long as it is away", () => {
    const away = heard(1, "node.disconnected", {}, "nod_1");
    expect(kinds([away])).toEqual(["node:1"]);
    expect(kinds([away, heard(2, "node.connected", {}, "nod_1")])).toEqual([]);
    expect(kinds([away, heard(2, "node.connected", {}, "nod_2")])).toEqual(["node:1"]);
  });
  it("are budgets near their end, and again when they are over", () => {
    const budget = { scope: "org", daily_usd_micros: 100, spent_today_usd_micros: 79, spent_usd_micros: 500 };
    const now = Date.parse("2026-03-01T10:00:00Z");
    const ids = (spent: number) =>
      budgetNotices([{ ...budget, spent_today_usd_micros: spent }], now, (it) => it).map((it) => it.id);
    expect(ids(79)).toEqual([]);
    expect(ids(80)).toEqual(["budget:org:daily:near:2026-03-01"]);
    expect(ids(100)).toEqual(["budget:org:daily:over:2026-03-01"]);
  });
});

describe("what is read", () => {
  const notice = (
    id: string,
    kind: Notice["kind"],
    at: string | undefined,
    about: string[] = [],
  ): Notice => ({
    id,
    kind,
    at,
    title: id,
    detail: undefined,
    href: "/",
    about,
  });
  const old = notice("failed:1", "failed", "2026-03-01T09:00:00Z", ["run_1", "ses_1"]);
  const fresh = notice("failed:2", "failed", "2026-03-01T11:00:00Z");
  const waiting = notice("approval:1", "approval", "2026-03-01T08:00:00Z");
  const now = Date.parse("2026-03-01T10:00:00Z");
  it("is the past for whoever comes first, but not what waits", () => {
    const state = readStateOf(null, now);
    expect([old, fresh, waiting].map((it) => isRead(it, state))).toEqual([true, false, false]);
    expect(readStateOf("{broken", now)).toEqual(state);
  });
  it("is everything after marking all, and nothing of what comes then", () => {
    const state = allRead(readStateOf(null, now), [old, fresh, waiting], now);
    expect([old, fresh, waiting].every((it) => isRead(it, state))).toBe(true);
    expect(isRead(notice("failed:3", "failed", "2026-03-01T12:00:00Z"), state)).toBe(false);
    expect(isRead(notice("approval:2", "approval", "2026-03-01T08:00:00Z"), state)).toBe(false);
  });
  it("is what somebody looks at", () => {
    expect(seenAt("/chats/ses_1", [old, fresh])).toEqual(["failed:1"]);
    const state = withRead({ until: "", ids: [] }, ["failed:1"]);
    expect(isRead(old, state)).toBe(true);
    expect(isRead(fresh, state)).toBe(false);
  });
});

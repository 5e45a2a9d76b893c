import { beforeEach, expect, test, vi } from "vitest";

type Drafts = typeof import("./drafts");
let drafts: Drafts;
const reload = async () => {
  vi.resetModules();
  drafts = await import("./drafts");
};

beforeEach(async () => {
  sessionStorage.clear();
  await reload();
});

const file = (id: string) => ({ id, name: id, size_bytes: 1 }) as never;
const write = (text: string, chat = "ses_1", who = "usr_a.org_1") =>
  drafts.changeDraft(who, chat, () => ({ text }));
const read = (chat = "ses_1", who = "usr_a.org_1") => drafts.draftOf(who, chat);
const send = () => drafts.takeToSend("usr_a.org_1", "ses_1", "enqueue");

test("what is written stays with its chat and its writer, also over a reload", async () => {
  write("one");
  drafts.changeDraft("usr_a.org_1", "ses_1", () => ({ files: [file("art_1")] }));
  write("two", "ses_2");
  expect(read().text).toBe("one");
  expect(read("ses_1", "usr_b.org_1").text).toBe("");
  expect(read("ses_1", "usr_a.org_2").text).toBe("");
  await reload();
  expect(read().text).toBe("one");
  expect(read().files).toEqual([{ id: "art_1", name: "art_1", size_bytes: 1 }]);
  expect(read("ses_2").text).toBe("two");
});

test("a message is sent once, however often it is asked for, and what is written meanwhile stays", () => {
  write("hello");
  expect(send()).toMatchObject({ text: "hello" });
  expect(read().text).toBe("");
  write("and more");
  expect(send()).toBeUndefined();
  drafts.wasSent("usr_a.org_1", "ses_1");
  expect(read().text).toBe("and more");
  expect(send()).toMatchObject({ text: "and more" });
});

test("nothing is sent that is empty, or while a file is on its way", () => {
  write("  ");
  expect(send()).toBeUndefined();
  write("look at this");
  drafts.changeDraft("usr_a.org_1", "ses_1", () => ({ uploads: 1 }));
  expect(send()).toBeUndefined();
});

test("what could not be sent is back with its files, and goes by the same key if it is sent as it was", async () => {
  write("hello");
  drafts.changeDraft("usr_a.org_1", "ses_1", () => ({ files: [file("art_1")] }));
  const first = send();
  write("meanwhile");
  drafts.wasNotSent("usr_a.org_1", "ses_1");
  expect(read().text).toBe("hello\nmeanwhile");
  expect(read().files).toHaveLength(1);
  write("hello");
  await reload();
  const second = send();
  expect(second?.key).toBe(first?.key);
  drafts.wasNotSent("usr_a.org_1", "ses_1");
  write("hello!");
  expect(send()?.key).not.toBe(first?.key);
});

test("what is on its way when the tab is loaded anew is not lost", async () => {
  write("hello");
  send();
  await reload();
  expect(read().text).toBe("hello");
  expect(read().sending).toBeUndefined();
});

import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join, type Person } from "./people";
import type { Server } from "./server";
import { runOf, settled } from "./work";

watched();

const rows = (page: Page) => page.getByRole("list", { name: "Notifications" }).getByRole("listitem");

/** Has somebody mention the owner in a chat of theirs. */
async function mention(server: Server, who: Person): Promise<void> {
  const { items } = await server.call<{ items: { id: string }[] }>("GET", "/v1/agents");
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", { agent_ids: [items[0]?.id] });
  const orgs = await server.call<{ items: { id: string }[] }>("GET", "/v1/orgs");
  await server.call("POST", `/v1/sessions/${session.id}/members`, { user_id: who.userId });
  const headers = { "content-type": "application/json", "idempotency-key": randomUUID() };
  const entered = await fetch(`${server.url}/v1/auth/login`, {
    method: "POST",
    headers,
    body: JSON.stringify({ email: who.email, password: who.password }),
  });
  const { access_token } = (await entered.json()) as { access_token: string };
  const posted = await fetch(`${server.url}/v1/sessions/${session.id}/messages`, {
    method: "POST",
    headers: {
      ...headers,
      "idempotency-key": randomUUID(),
      authorization: `Bearer ${access_token}`,
      "x-org-id": orgs.items[0]?.id ?? "",
    },
    body: JSON.stringify({ content: "look here @owner" }),
  });
  if (!posted.ok) throw new Error(await posted.text());
}

/** Answers what other tests left waiting, and waits until their runs are over: nothing of it is news then. */
async function quiet(server: Server): Promise<void> {
  type List = { items: { id: string; run_id: string }[] };
  const { items } = await server.call<List>("GET", "/v1/approvals?status=pending&limit=200");
  for (const { id, run_id } of items) {
    await server.call("POST", `/v1/approvals/${id}/deny`, {});
    const over = async () => (await server.call<{ ended_at?: string }>("GET", `/v1/runs/${run_id}`)).ended_at;
    await expect.poll(over).toBeTruthy();
  }
}

test("requests, failed and ended runs come by themselves, are counted, and are read by looking", async ({
  page,
  server,
}) => {
  await quiet(server);
  await signIn(page);
  await page.goto("/notifications");
  await expect(page.getByRole("heading", { name: "Nothing is unread" })).toBeVisible();
  await expectAccessible(page);
  const failing = await runOf(server, "this is no order that anybody understands");
  await settled(server, failing, "failed");
  await expect(rows(page).filter({ hasText: "A run of demo failed" })).toHaveCount(1);
  await expect(page).toHaveTitle(/^\(1\) Notifications/);
  const done = await runOf(server, "read README.md");
  await settled(server, done, "succeeded");
  await expect(rows(page).filter({ hasText: "demo has finished what you asked for" })).toHaveCount(1);
  const asking = await runOf(server, `write notes/${randomUUID().slice(0, 8)}.md: "x"`);
  await settled(server, asking, "waiting");
  await expect(rows(page).filter({ hasText: "demo asks for your approval" })).toHaveCount(1);
  await expect(page.getByRole("link", { name: "Notifications 3 unread notifications" })).toBeVisible();
  await expectAccessible(page);
  await rows(page).filter({ hasText: "A run of demo failed" }).getByRole("link").click();
  await expect(page).toHaveURL(new RegExp(failing));
  await expect(page).toHaveTitle(/^\(2\)/);
  await page.goto("/notifications");
  await expect(rows(page)).toHaveCount(2);
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await expect(page.getByRole("heading", { name: "Nothing is unread" })).toBeVisible();
  await expect(page).toHaveTitle(/^Notifications/);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Nothing is unread" })).toBeVisible();
  await page.getByRole("link", { name: "All", exact: true }).click();
  await expect(rows(page).filter({ hasText: "A run of demo failed" }).first()).toBeVisible();
});

test("a mention leads to its chat, and other people's runs concern nobody else", async ({ page, server }) => {
  const ada = await join(server, "member", `Ada ${randomUUID().slice(0, 6)}`);
  await signIn(page, ada);
  await page.goto("/notifications");
  await expect(page.getByRole("heading", { name: "Notifications", level: 1 })).toBeVisible();
  const others = await runOf(server, "nothing that anybody understands");
  await settled(server, others, "failed");
  await expect(page.getByText("A run of demo failed")).toHaveCount(0);
  await page.getByRole("button", { name: /Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
  await signIn(page);
  await page.goto("/notifications");
  // Whatever was before somebody's first look counts as read.
  await expect(page.getByRole("heading", { name: "Notifications", level: 1 })).toBeVisible();
  await mention(server, ada);
  const mine = rows(page).filter({ hasText: `${ada.name} mentioned you` });
  await mine.getByRole("link").click();
  await expect(page).toHaveURL(/\/chats\/ses_/);
  await page.goto("/notifications");
  await expect(mine).toHaveCount(0);
});

test("the desktop is told only after a click, only while nobody looks, and without words of anything", async ({
  page,
  server,
}) => {
  await page.addInitScript(() => {
    const shown: string[] = [];
    class Fake {
      static permission = localStorage.getItem("test.permission") ?? "default";
      static async requestPermission() {
        localStorage.setItem("test.permission", "granted");
        Fake.permission = "granted";
        return "granted";
      }
      onclick = null;
      constructor(title: string, options?: unknown) {
        shown.push(JSON.stringify([title, options]));
      }
      close() {}
    }
    Object.assign(window, { Notification: Fake, shown });
  });
  const shown = () => page.evaluate(() => (window as unknown as { shown: string[] }).shown);
  const look = (state: "hidden" | "visible") =>
    page.evaluate((it) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => it });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await quiet(server);
  await signIn(page);
  await page.goto("/settings/notifications");
  await expect(page.getByText("Off in this browser")).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem("test.permission"))).toBeNull();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.getByText("On in this browser")).toBeVisible();
  const first = await runOf(server, "one that is not understood, hush-1");
  await settled(server, first, "failed");
  await expect(page).toHaveTitle(/^\(1\)/);
  expect(await shown()).toEqual([]);
  await look("hidden");
  const second = await runOf(server, "another that is not understood, hush-2");
  await settled(server, second, "failed");
  await expect.poll(async () => (await shown()).length).toBe(1);
  expect((await shown())[0]).toContain("A run of demo failed");
  expect((await shown())[0]).not.toContain("hush");
  await look("visible");
  await page.getByRole("button", { name: "Turn off" }).click();
  await expect(page.getByText("Off in this browser")).toBeVisible();
});

test("the page fits a phone", async ({ page, server }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  await page.goto("/notifications?show=all");
  const failing = await runOf(server, "what nobody understands");
  await settled(server, failing, "failed");
  await expect(rows(page).first()).toContainText("A run of demo failed");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectAccessible(page);
});

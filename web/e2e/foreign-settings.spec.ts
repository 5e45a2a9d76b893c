/** Names that other people chose, in every place of the settings that shows them: they are text and nothing else. */
import { randomUUID } from "node:crypto";
import { expect, signIn, test, watched } from "./fixtures";
import { join, payload } from "./people";
import { runOf, settled } from "./work";

watched();

test("foreign names are text in settings, activity, search and notifications", async ({ page, server }) => {
  const eve = await join(server, "member", payload("member"));
  await server.call("POST", "/v1/api-keys", { name: payload("key") });
  const { items } = await server.call<{ items: { id: string }[] }>("GET", "/v1/agents");
  await server.call("POST", "/v1/sessions", { title: payload("chat"), agent_ids: [items[0]?.id] });
  const tool = `evil-${randomUUID().slice(0, 6)}`;
  await server.call("POST", `/v1/tools/http/${tool}`, {
    description: payload("tool"),
    method: "GET",
    url_template: "https://example.com/{thing}",
    schema: { type: "object", properties: { thing: { type: "string" } }, required: ["thing"] },
  });
  const run = await runOf(server, payload("message"));
  await settled(server, run, "failed");
  await signIn(page);
  const places: [string, RegExp][] = [
    ["/settings/members", /onerror/],
    ["/settings/keys", /onerror/],
    ["/settings/activity", /onerror/],
    ["/settings/account", /Where you are signed in/],
    ["/settings/organisation", /How long chats are kept/],
    ["/grants", /Standing approvals/],
    ["/notifications?show=all", /A run of demo failed/],
    [`/search?q=${encodeURIComponent("onerror")}`, /onerror/],
  ];
  for (const [path, sign] of places) {
    await page.goto(path);
    await expect(page.locator("main").getByText(sign).filter({ visible: true }).first()).toBeVisible();
    expect(await page.locator("main img[src='x']").count()).toBe(0);
  }
  await page.goto("/settings/members");
  await page.getByRole("button", { name: `What to do with ${eve.name}` }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await expect(page.getByRole("dialog")).toContainText("onerror");
  await page.keyboard.press("Escape");
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("onerror");
  await expect(page.getByRole("option").filter({ hasText: "onerror" }).first()).toBeVisible();
  expect(await page.locator("img[src='x']").count()).toBe(0);
  expect(await page.evaluate(() => (window as unknown as { pwned?: string }).pwned)).toBeUndefined();
});

import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { apiKey, ask, counted, priced } from "./models";
import { join } from "./people";
import type { Server } from "./server";
import { runOf, settled } from "./work";

watched();

const noLimits = {
  tool_calls_per_minute: null,
  tool_calls_per_day: null,
  tool_calls_concurrent: null,
  egress_sent_bytes_per_day: null,
  egress_received_bytes_per_day: null,
  egress_hosts_per_day: null,
  egress_hosts_allowed: null,
  egress_hosts_denied: null,
};

async function withoutAny(server: Server) {
  const { items } = await server.call<{ items: { scope: string }[] }>("GET", "/v1/budgets");
  for (const { scope } of items) await server.call("DELETE", `/v1/budgets/${scope}`);
  await server.call("PATCH", "/v1/limits", noLimits);
}
test.beforeEach(({ server }) => withoutAny(server));
test.afterAll(({ server }) => withoutAny(server));

test("an organisation's budget is set, seen burning down, changed by two at once, and removed", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(/status of 404.*budgets/);
  await priced(server, "burning");
  const key = await apiKey(server, "Burner");
  expect(await ask(server, key.key, "burning", 1000)).toBe(200);
  await counted(server, key.id, 1);
  await signIn(page);
  await page.goto("/budgets");
  await expect(page.getByRole("heading", { name: "No budget yet" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Limit the organisation" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Set budget" }).click();
  await expect(dialog.getByText("Set at least one limit.")).toBeVisible();
  await dialog.getByLabel("Dollars a month").fill("ten");
  await dialog.getByRole("button", { name: "Set budget" }).click();
  await expect(dialog.getByText("Write an amount in dollars, such as 20 or 0.50.")).toBeVisible();
  await expectAccessible(page);
  await dialog.getByLabel("Dollars a month").fill("10");
  await dialog.getByLabel("Dollars in one run").fill("0.50");
  await dialog.getByRole("button", { name: "Set budget" }).click();
  const row = page.getByRole("list", { name: "Budgets" }).getByRole("listitem");
  await expect(row).toContainText("of $10.00");
  await expect(row).toContainText("$0.50 a run");
  await expect(row.getByRole("meter", { name: "This month" })).toHaveAttribute("aria-valuetext", /spent/);
  await expectAccessible(page);

  await row.getByRole("link").click();
  await expect(page.getByRole("heading", { name: "Spent this month" })).toBeVisible();
  await expect(page.getByText(/This is an estimate|too early for an estimate/)).toBeVisible();
  await page.getByRole("application", { name: "Spent this month" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("status").filter({ hasText: "Spent" })).toBeVisible();
  await expectAccessible(page);

  // Somebody else is faster; what was typed stays until one has chosen.
  await page.getByRole("button", { name: "Change" }).click();
  await dialog.getByLabel("Dollars a day").fill("2");
  await server.call("PUT", "/v1/budgets/org", { monthly_usd_micros: 30_000_000 });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("Somebody changed it meanwhile")).toBeVisible();
  await expect(dialog.getByLabel("Dollars a day")).toHaveValue("2");
  await dialog.getByRole("button", { name: "Show what holds now" }).click();
  await expect(dialog.getByLabel("Dollars a month")).toHaveValue("30");
  await dialog.getByLabel("Dollars a day").fill("3");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const { monthly_usd_micros, daily_usd_micros } = await server.call("GET", "/v1/budgets/org");
  expect([monthly_usd_micros, daily_usd_micros]).toEqual([30_000_000, 3_000_000]);

  await page.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(page).toHaveURL(/\/budgets$/);
  await expect(page.getByRole("heading", { name: "No budget yet" })).toBeVisible();
});

test("a key is held to its budget, by what was typed for it", async ({ page, server, watch }) => {
  watch.allow(/status of 404.*budgets/);
  await priced(server, "held");
  const key = await apiKey(server, "Held key");
  expect(await ask(server, key.key, "held")).toBe(200);
  await signIn(page);
  await page.goto("/budgets");
  await expect(page.getByRole("heading", { name: "No budget yet" })).toBeVisible();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Whose").selectOption("key");
  await dialog.getByRole("button", { name: "Set budget" }).click();
  await expect(dialog.getByText("Say whose budget it is.")).toBeVisible();
  await dialog.getByLabel("Which").selectOption("Held key");
  await dialog.getByLabel("Only these models may be asked").check();
  await dialog.getByLabel("Names").fill("nothing-else");
  await dialog.getByRole("button", { name: "Set budget" }).click();
  await expect(page.getByRole("link", { name: /Held key/ })).toContainText("only 1 model");
  await expect.poll(() => ask(server, key.key, "held")).toBe(403);
});

test("tools are limited tighter than the plan does, and what is used is seen", async ({ page, server }) => {
  await signIn(page);
  await page.goto("/budgets?view=tools");
  await expect(page.getByText(/No limit holds/)).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Set limits of your own" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Calls of tools in a day").fill("some");
  await dialog.getByLabel("Sent by requests in a day").fill("5 MiB");
  await dialog.getByLabel("Hosts that are denied").fill("*.example.com\nnot a host!");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("Write a whole number, such as 60 or 20k.")).toBeVisible();
  await dialog.getByLabel("Calls of tools in a day").fill("1k");
  await dialog.getByLabel("Hosts that are denied").fill("*.example.com");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("list", { name: "Never these, your own" })).toContainText("*.example.com");
  await settled(server, await runOf(server, "run skill word-count on notes/todo.md"), "succeeded");
  await page.reload();
  const list = page.getByRole("list", { name: "Limits on tools" });
  await expect(list.getByRole("meter", { name: "Calls of tools in a day" })).toHaveAttribute(
    "aria-valuetext",
    /^[1-9]\d* of 1k used/,
  );
  await expect(list).toContainText("Your own: 5 MiB");
  await expectAccessible(page);
});

test("members look at budgets, viewers only at limits, and both are told why", async ({ page, server }) => {
  await server.call("PUT", "/v1/budgets/org", { monthly_usd_micros: 10_000_000 });
  await signIn(page, await join(server, "member", "Mia"));
  await page.goto("/budgets");
  await expect(page.getByRole("meter", { name: "This month" })).toBeVisible();
  await expect(page.getByText("needs the role of an admin")).toBeVisible();
  await expect(page.getByRole("button", { name: "New budget" })).toBeHidden();
  await page.getByRole("list", { name: "Budgets" }).getByRole("link").click();
  await expect(page.getByRole("heading", { name: "Spent this month" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Change" })).toBeHidden();
  await page.evaluate(() => localStorage.clear());
  await page.context().clearCookies();
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, await join(server, "viewer", "Vera"));
  await page.goto("/budgets");
  await expect(page.getByRole("heading", { name: "Budgets are for members" })).toBeVisible();
  await page.getByRole("tab", { name: "Use of tools" }).click();
  await expect(page.getByRole("list", { name: "Limits on tools" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Set limits of your own" })).toBeHidden();
  await expectAccessible(page);
});

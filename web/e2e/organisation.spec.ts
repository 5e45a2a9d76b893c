import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";

watched();

test("an organisation of one's own is renamed and closed with its name typed", async ({
  page,
  server,
  watch,
}) => {
  // Its stream asks once more before the page has gone to another organisation.
  watch.allow(/status of 404.*audit\/events/);
  const ada = await join(server, "viewer", "Ada Lovelace");
  await signIn(page, ada);
  await page.getByRole("button", { name: /Switch organisation/ }).click();
  await page.getByRole("menuitem", { name: "New organisation" }).click();
  await page.getByLabel("Name").fill("Analytical Engines");
  await page.getByRole("button", { name: "Create" }).click();
  const switcher = page.getByRole("button", { name: /Switch organisation/ });
  await expect(switcher).toContainText("Analytical Engines");
  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await page.getByRole("link", { name: "Organisation", exact: true }).click();
  const name = `Engines ${randomUUID().slice(0, 6)}`;
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  await page.getByRole("button", { name: "Rename" }).click();
  await expect(switcher).toContainText(name);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Close it" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Close it" })).toBeDisabled();
  await dialog.getByLabel(`Type ${name} to close it`).fill("something else");
  await expect(dialog.getByRole("button", { name: "Close it" })).toBeDisabled();
  await dialog.getByLabel(`Type ${name} to close it`).fill(name);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Close it" }).click();
  await expect(switcher).toContainText("Demo");
});

test("how long chats are kept is changed, with a rule for a label", async ({ page, server }) => {
  await signIn(page);
  await page.goto("/settings/organisation");
  await page.getByLabel("Idle after (days)").fill("a week");
  await expect(page.getByText("A whole number of days, or nothing.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Save" })).toBeDisabled();
  await page.getByLabel("Idle after (days)").fill("5");
  await page.getByLabel("Archived after (days)").fill("");
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByRole("textbox", { name: "Label" }).fill("draft");
  await page.getByRole("textbox", { name: "After days" }).fill("30");
  await page.getByLabel("What happens").selectOption("delete");
  await expect(page.getByText("Deleted chats can't be had back")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved. It is in force within minutes.")).toBeVisible();
  const kept = await server.call("GET", "/v1/chat-settings");
  expect(kept).toMatchObject({
    idle_after_days: 5,
    archive_after_days: null,
    retention: [{ label: "draft", after_days: 30, action: "delete" }],
  });
  await page.getByRole("button", { name: "Remove this rule" }).click();
  await page.getByRole("button", { name: "As it was" }).click();
  await expect(page.getByRole("textbox", { name: "Label" })).toHaveValue("draft");
});

test("a member sees the organisation's settings and changes none, an admin does, nobody but an owner closes", async ({
  page,
  server,
}) => {
  const bob = await join(server, "member", "Bob Kahn");
  await signIn(page, bob);
  await page.goto("/settings/organisation");
  await expect(page.getByText("Your role sees this. Admins change it.")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeDisabled();
  await expect(page.getByLabel("Idle after (days)")).toBeDisabled();
  await expect(page.getByRole("button", { name: "Add a rule" })).toHaveCount(0);
  await expect(page.getByText("Only an owner closes it.")).toBeVisible();
  await expectAccessible(page);
  await server.call("PATCH", `/v1/members/${bob.userId}`, { role: "admin" });
  await page.reload();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeEnabled();
  await expect(page.getByLabel("Idle after (days)")).toBeEnabled();
  await expect(page.getByRole("button", { name: "Close it" })).toHaveCount(0);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";

watched();

test("what people with power did is said as sentences, newest first, each leading to its proof", async ({
  page,
  server,
}) => {
  const bob = await join(server, "member", `Bob ${randomUUID().slice(0, 6)}`);
  const secret = `token-${randomUUID().slice(0, 8)}`;
  await server.call("PATCH", `/v1/members/${bob.userId}`, { role: "admin" });
  await server.call("POST", "/v1/secrets", { name: secret, value: "hush" });
  await signIn(page);
  await page.goto("/settings/activity");
  const rows = page.getByRole("list", { name: "What was changed: Today" }).getByRole("listitem");
  await expect(rows.first()).toContainText(`Owner stored the secret ${secret}`);
  await expect(rows.nth(1)).toContainText(`Owner gave ${bob.name} the role Admin`);
  await expect(page.getByText("published the policy demo, version 1")).toBeVisible();
  await expectAccessible(page);
  // It comes by itself.
  await server.call("PATCH", `/v1/members/${bob.userId}`, { suspended: true });
  await expect(rows.first()).toContainText(`Owner suspended ${bob.name}`);
  await page.getByLabel("About").selectOption("Keys and secrets");
  await expect(page.getByText(`suspended ${bob.name}`)).toHaveCount(0);
  await expect(rows.first()).toContainText(secret);
  await page.getByLabel("Who").selectOption(bob.name);
  await expect(page.getByRole("heading", { name: "Nothing like that was changed" })).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await rows.nth(1).getByRole("link").click();
  await expect(page).toHaveURL(/\/record\/\d+$/);
  await expect(page.getByText("Why it can be believed")).toBeVisible();
});

test("a viewer reads what was done, on a phone too", async ({ page, server }) => {
  const vera = await join(server, "viewer", "Vera Rubin");
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, vera);
  await page.goto("/settings/activity");
  await expect(page.getByText("joined as Viewer").first()).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectAccessible(page);
});

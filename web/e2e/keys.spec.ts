import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";

watched();

test("a key is made, shown once, works with the role that it was given, and is deleted", async ({
  page,
  server,
}) => {
  const name = `Reports ${randomUUID().slice(0, 6)}`;
  await signIn(page);
  await page.goto("/settings/keys");
  await page.getByRole("button", { name: "New key" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("What it is for").fill(name);
  await dialog.getByLabel("The most that it may do").selectOption("viewer");
  await dialog.getByLabel("Works for").selectOption("7");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Make the key" }).click();
  await expect(dialog).toContainText(`The key “${name}”`);
  const key = (await dialog.locator("code").first().textContent()) ?? "";
  expect(key).toMatch(/^chk_/);
  await expect(dialog.getByRole("group", { name: "A command that says who the key is" })).toContainText(
    `Bearer ${key}`,
  );
  await expectAccessible(page);
  const headers = { authorization: `Bearer ${key}` };
  const me = await fetch(`${server.url}/v1/me`, { headers }).then((it) => it.json());
  expect(me.memberships[0].role).toBe("viewer");
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await expect(page.getByText(key)).toHaveCount(0);
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(
    key,
  );
  const row = page.getByRole("list", { name: "API keys" }).getByRole("listitem").filter({ hasText: name });
  await expect(row).toContainText(/expires in (7 d|6 d 23 h)/);
  await expectAccessible(page);
  await page.getByRole("button", { name: `Delete the key ${name}` }).click();
  await expect(page.getByRole("dialog")).toContainText("refused from this moment on");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(row).toHaveCount(0);
  expect((await fetch(`${server.url}/v1/me`, { headers })).status).toBe(401);
});

test("a key without a name is told at its field", async ({ page, watch }) => {
  watch.allow(/status of 422.*api-keys/);
  await signIn(page);
  await page.goto("/settings/keys");
  await page.getByRole("button", { name: "New key" }).first().click();
  await page.getByLabel("What it is for").fill("  ");
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(page.getByLabel("What it is for")).toHaveAttribute("aria-invalid", "true");
});

test("a viewer is told why there are no keys, and a member hands out no more than their own role", async ({
  page,
  server,
}) => {
  const vera = await join(server, "viewer", "Vera Rubin");
  await signIn(page, vera);
  await page.goto("/settings/keys");
  await expect(page.getByText("Your role has no API keys.")).toBeVisible();
  await expect(page.getByRole("button", { name: "New key" })).toHaveCount(0);
  await expectAccessible(page);
  await server.call("PATCH", `/v1/members/${vera.userId}`, { role: "member" });
  await page.reload();
  await page.getByRole("button", { name: "New key" }).first().click();
  await expect(page.getByLabel("The most that it may do").getByRole("option")).toHaveText([
    "Viewer",
    "Member",
  ]);
});

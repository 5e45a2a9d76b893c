import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";

watched();

test("the password is changed with the present one, which ends the other sign-ins", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(/status of 422.*me\/password/);
  const bob = await join(server, "member", "Bob Kahn");
  await signIn(page, bob);
  await page.goto("/settings/account");
  const here = page.getByRole("list", { name: "Where you are signed in" }).getByRole("listitem");
  // The registration's own sign-in and this one.
  await expect(here).toHaveCount(2);
  await expect(here.first()).toContainText("This one");
  await expectAccessible(page);
  await page.getByLabel("Present password").fill("not this one at all");
  await page.getByLabel("New password").fill("a better horse battery");
  await page.getByRole("button", { name: "Change the password" }).click();
  await expect(page.getByText("This is not your present password.")).toBeVisible();
  await expect(page.getByLabel("New password")).toHaveValue("a better horse battery");
  await page.getByLabel("Present password").fill(bob.password);
  await page.getByRole("button", { name: "Change the password" }).click();
  await expect(page.getByText("You are signed out everywhere else.")).toBeVisible();
  await expect(page.getByLabel("New password")).toHaveValue("");
  await expect(here).toHaveCount(1);
  await page.getByRole("button", { name: /Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
  await signIn(page, { email: bob.email, password: "a better horse battery" });
});

test("sign-ins elsewhere are ended one by one or all at once", async ({ page, server }) => {
  const eve = await join(server, "viewer", "Eve");
  const enter = () =>
    fetch(`${server.url}/v1/auth/login`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": randomUUID(),
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      },
      body: JSON.stringify({ email: eve.email, password: eve.password }),
    });
  for (const _ of [1, 2]) expect((await enter()).ok).toBe(true);
  await signIn(page, eve);
  await page.goto("/settings/account");
  const rows = page.getByRole("list", { name: "Where you are signed in" }).getByRole("listitem");
  await expect(rows).toHaveCount(4);
  await page.getByRole("button", { name: "End the sign-in of" }).first().click();
  await expect(rows).toHaveCount(3);
  await page.getByRole("button", { name: "End all others" }).click();
  await expectAccessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("This one");
});

test("the theme is chosen on the account's page, which fits a phone", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  await page.goto("/settings/account");
  await page.getByRole("radio", { name: "Dark" }).check();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.getByRole("radio", { name: "As the system" }).check();
});

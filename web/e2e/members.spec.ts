import { randomUUID } from "node:crypto";
import { expect, expectAccessible, isPhone, OWNER, signIn, test, watched } from "./fixtures";
import { join } from "./people";

watched();

test("somebody is invited by a link that is shown once, and the invitation is withdrawn", async ({
  page,
  server,
}) => {
  const email = `${randomUUID()}@example.com`;
  await signIn(page);
  await page.goto("/settings/members");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Role").selectOption("viewer");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Make the invitation" }).click();
  const link = dialog.getByText(/\/invitation#token=cin_/);
  await expect(link).toContainText(server.url);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText(/#token=/)).toHaveCount(0);
  const open = page.getByRole("list", { name: "Open invitations" }).getByRole("listitem");
  const mine = open.filter({ hasText: email });
  await expect(mine).toContainText(/expires in (7 d|6 d 23 h)/);
  await expectAccessible(page);
  await page.getByRole("button", { name: `Withdraw the invitation of ${email}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
  await expect(mine).toHaveCount(0);
});

test("an address that is none is told at its field, and what was typed stays", async ({ page, watch }) => {
  watch.allow(/status of 422.*invitations/);
  await signIn(page);
  await page.goto("/settings/members");
  await expect(page.getByRole("button", { name: "Invite", exact: true })).toBeVisible();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "Invite somebody" });
  await dialog.getByLabel("E-mail").fill("no..body@example.com");
  await dialog.getByRole("button", { name: "Make the invitation" }).click();
  await expect(dialog.getByLabel("E-mail")).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.getByLabel("E-mail")).toHaveValue("no..body@example.com");
});

test("a role is changed and taken back, and a member is suspended, let in again and removed", async ({
  page,
  server,
}) => {
  const bob = await join(server, "member", `Bob ${randomUUID().slice(0, 6)}`);
  await signIn(page);
  await page.goto("/settings/members");
  await page.getByLabel("Find by name or address").fill(bob.name);
  const row = page.getByRole("list", { name: "Members" }).getByRole("listitem");
  await expect(row).toHaveCount(1);
  const role = page.getByLabel(`Role of ${bob.name}`);
  await role.selectOption("admin");
  await expect(page.getByText(`${bob.name} has the role Admin now`)).toBeVisible();
  const read = async () => {
    type List = { items: { user_id: string; role: string; suspended: boolean }[] };
    const { items } = await server.call<List>("GET", "/v1/members?limit=200");
    return items.find((it) => it.user_id === bob.userId);
  };
  expect((await read())?.role).toBe("admin");
  await page.getByRole("button", { name: "Take it back" }).click();
  await expect(role).toHaveValue("member");
  await expect.poll(async () => (await read())?.role).toBe("member");
  const what = page.getByRole("button", { name: `What to do with ${bob.name}` });
  await what.click();
  await page.getByRole("menuitem", { name: "Suspend" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
  await expect(row.getByText("Suspended")).toBeVisible();
  await what.click();
  await page.getByRole("menuitem", { name: "Lift the suspension" }).click();
  await expect(row.getByText("Suspended")).toHaveCount(0);
  await what.click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await expect(page.getByRole("dialog")).toContainText("API keys and open invitations end with it");
  await expectAccessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(row).toHaveCount(0);
  expect(await read()).toBeUndefined();
});

test("the last owner stays, and is told what to do first", async ({ page }) => {
  await signIn(page);
  await page.goto("/settings/members");
  await page.getByLabel("Role of Owner").selectOption("admin");
  const dialog = page.getByRole("dialog", { name: "You need another owner first" });
  await expect(dialog).toContainText("Make another member an owner");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect(page.getByLabel("Role of Owner")).toHaveValue("owner");
  await page.getByRole("button", { name: "What to do with Owner" }).click();
  await page.getByRole("menuitem", { name: "Leave the organisation" }).click();
  await expect(dialog).toBeVisible();
});

test("the server's own refusal of the last owner is shown the same way", async ({ page, server, watch }) => {
  watch.allow(/status of 409.*members/);
  const eve = await join(server, "owner", `Eve ${randomUUID().slice(0, 6)}`);
  await signIn(page);
  // The page is told of two owners as long as it stands, so only the server knows that one has gone.
  await page.route("**/v1/members?*", async (route) => {
    const answer = await route.fetch();
    const body = (await answer.json()) as { items: { user_id: string; role: string }[] };
    for (const it of body.items) if (it.user_id === eve.userId) it.role = "owner";
    await route.fulfill({ response: answer, json: body });
  });
  await page.goto("/settings/members");
  await expect(page.getByLabel(`Role of ${eve.name}`)).toHaveValue("owner");
  await server.call("PATCH", `/v1/members/${eve.userId}`, { role: "member" });
  await page.getByLabel("Role of Owner").selectOption("admin");
  await page.getByRole("dialog").getByRole("button", { name: "Change the role" }).click();
  await expect(page.getByRole("dialog", { name: "You need another owner first" })).toBeVisible();
});

test("a member sees who is here and why nothing can be changed, and may leave", async ({
  page,
  server,
  watch,
}) => {
  // Without an organisation nothing of one is there; what was open asks once more before it goes.
  watch.allow(/status of 4(04|22).*\/v1\/(audit\/events|sessions)/);
  const ada = await join(server, "member", `Ada ${randomUUID().slice(0, 6)}`);
  await signIn(page, ada);
  await page.goto("/settings/members");
  await expect(page.getByText("Admins invite people, change roles and remove members")).toBeVisible();
  await expect(page.getByRole("list", { name: "Members" })).toContainText(OWNER.email);
  await expect(page.getByRole("button", { name: "Invite" })).toHaveCount(0);
  await expect(page.getByRole("heading", { name: "Open invitations" })).toHaveCount(0);
  await expect(page.getByLabel(/^Role of/)).toHaveCount(0);
  await expect(page.getByRole("button", { name: "What to do with Owner" })).toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole("button", { name: `What to do with ${ada.name}` }).click();
  await page.getByRole("menuitem", { name: "Leave the organisation" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Leave the organisation" }).click();
  await expect(page.getByRole("heading", { name: "You are in no organisation yet" })).toBeVisible();
});

test("an admin changes no owner", async ({ page, server }) => {
  const adm = await join(server, "admin", `Adm ${randomUUID().slice(0, 6)}`);
  await signIn(page, adm);
  await page.goto("/settings/members");
  await expect(page.getByLabel(`Role of ${adm.name}`)).toBeVisible();
  await expect(page.getByLabel(`Role of ${adm.name}`).getByRole("option")).toHaveText([
    "Viewer",
    "Member",
    "Admin",
  ]);
  await expect(page.getByLabel("Role of Owner", { exact: true })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "What to do with Owner", exact: true })).toHaveCount(0);
});

test("the page fits a phone, and leads back to all settings", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  await page.goto("/settings/members");
  expect(isPhone(page)).toBe(true);
  await expect(page.getByLabel("Role of Owner")).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectAccessible(page);
  await page.getByRole("link", { name: "Settings", exact: true }).first().click();
  await expect(page.getByRole("heading", { name: "Settings", level: 1 })).toBeVisible();
  await expectAccessible(page);
});

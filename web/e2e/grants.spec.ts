import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";
import type { Server } from "./server";
import { runOf, settled } from "./work";

watched();

/** Has somebody allow writing one file always; answers its path. */
async function standing(server: Server): Promise<string> {
  const path = `notes/${randomUUID().slice(0, 8)}.md`;
  const run = await runOf(server, `write ${path}: "x"`);
  await settled(server, run, "waiting");
  type List = { items: { id: string; run_id: string }[] };
  const { items } = await server.call<List>("GET", "/v1/approvals?status=pending&limit=200");
  const id = items.find((it) => it.run_id === run)?.id;
  await server.call("POST", `/v1/approvals/${id}/approve`, { scope: "standing" });
  await settled(server, run, "succeeded");
  return path;
}

test("a standing approval is found from the inbox, says what it allows, and is withdrawn", async ({
  page,
  server,
}) => {
  const path = await standing(server);
  await signIn(page);
  await page.goto("/inbox");
  await page
    .getByRole("navigation", { name: "Which requests" })
    .getByRole("link", { name: "Standing approvals" })
    .click();
  const row = page
    .getByRole("list", { name: "Standing approvals" })
    .getByRole("listitem")
    .filter({ hasText: path });
  await expect(row).toContainText('The agent “demo” may use the tool "file.write"');
  await expect(row).toContainText("given by Owner");
  await expect(row).toContainText("until somebody withdraws it");
  await expectAccessible(page);
  await page.getByLabel("Find by what it allows or by whom").fill("nothing like it");
  await expect(row).toHaveCount(0);
  await page.getByLabel("Find by what it allows or by whom").fill(path);
  await row.getByRole("button", { name: /^Withdraw/ }).click();
  await expect(page.getByRole("dialog")).toContainText(path);
  await expectAccessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
  await expect(row).toHaveCount(0);
  const again = await runOf(server, `write ${path}: "y"`);
  await settled(server, again, "waiting");
});

test("a viewer reads them and is told who withdraws; a member does", async ({ page, server }) => {
  const path = await standing(server);
  const vera = await join(server, "viewer", "Vera Rubin");
  await signIn(page, vera);
  await page.goto("/grants");
  await expect(page.getByText("Members withdraw standing approvals.")).toBeVisible();
  await expect(page.getByText(path)).toBeVisible();
  await expect(page.getByRole("button", { name: /^Withdraw/ })).toHaveCount(0);
  await server.call("PATCH", `/v1/members/${vera.userId}`, { role: "member" });
  await page.reload();
  await expect(page.getByRole("button", { name: /^Withdraw/ }).first()).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";
import type { Server } from "./server";

watched();

const fresh = () => `token-${randomUUID().slice(0, 8)}`;

/** An HTTP tool of the organisation, which may be granted a secret. */
async function httpTool(server: Server): Promise<string> {
  const name = `status-${randomUUID().slice(0, 8)}`;
  await server.call("POST", `/v1/tools/http/${name}`, {
    description: "Looks something up.",
    method: "GET",
    url_template: "https://example.com/{thing}",
    schema: { type: "object", properties: { thing: { type: "string" } }, required: ["thing"] },
  });
  return name;
}

const held = (server: Server, id: string) =>
  server.call<{ tools: string[]; agents: string[] }>("GET", `/v1/secrets/${id}/grants`);

test("a secret is stored, granted, given a new value and deleted, and its value is nowhere", async ({
  page,
  server,
}) => {
  const [name, value] = [fresh(), `hush-${randomUUID()}`];
  const tool = await httpTool(server);
  const bodies: string[] = [];
  page.on("response", async (answer) => {
    if (answer.url().includes("/v1/")) bodies.push(await answer.text().catch(() => ""));
  });
  await signIn(page);
  await page.goto("/settings/secrets");
  await page.getByRole("button", { name: "New secret" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Value", { exact: true }).fill(value);
  await expect(page.getByLabel("Value", { exact: true })).toHaveAttribute("type", "password");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Store" }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  const id = page.url().split("/").at(-1) ?? "";
  await page.getByRole("checkbox", { name: tool }).check();
  await page.getByRole("checkbox", { name: "demo" }).check();
  await expect(page.getByText("Not saved yet")).toBeVisible();
  await page.getByRole("button", { name: "As it was" }).click();
  await expect(page.getByRole("checkbox", { name: tool })).not.toBeChecked();
  await page.getByRole("checkbox", { name: tool }).check();
  await page.getByRole("checkbox", { name: "demo" }).check();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("It holds from the next request on.")).toBeVisible();
  expect((await held(server, id)).tools).toEqual([tool]);
  expect((await held(server, id)).agents).toHaveLength(1);
  await page.getByRole("button", { name: "New value" }).click();
  await page.getByLabel("Value", { exact: true }).fill(`${value}-2`);
  await page.getByRole("button", { name: "Store" }).click();
  await expect(page.getByText(`${name} has version 2 now`)).toBeVisible();
  await page.getByRole("link", { name: "Secrets" }).first().click();
  const row = page.getByRole("link", { name: new RegExp(name) });
  await expect(row).toContainText(`${tool} · demo`);
  await expect(row).toContainText("version 2");
  await expectAccessible(page);
  await row.click();
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText(`In use by ${tool}`);
  await expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
  await dialog.getByLabel(`Type ${name} to delete it`).fill(name);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/settings\/secrets$/);
  await expect(row).toHaveCount(0);
  expect(bodies.length).toBeGreaterThan(5);
  expect(bodies.join("\n")).not.toContain(value);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(kept + page.url()).not.toContain(value);
});

test("a name that can't be one and a name that is taken are told", async ({ page, server, watch }) => {
  watch.allow(/status of (409|422).*\/v1\/secrets/);
  const name = fresh();
  await server.call("POST", "/v1/secrets", { name, value: "hush" });
  await signIn(page);
  await page.goto("/settings/secrets");
  await page.getByRole("button", { name: "New secret" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("two words");
  await page.getByLabel("Value", { exact: true }).fill("kept while it is wrong");
  await page.getByRole("button", { name: "Store" }).click();
  await expect(
    page
      .getByRole("dialog")
      .getByText(/letters, digits/)
      .last(),
  ).toBeVisible();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Store" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Value", { exact: true })).toHaveValue("kept while it is wrong");
});

test("a member sees names and grants and changes nothing; an admin does", async ({ page, server }) => {
  const name = fresh();
  const made = await server.call<{ id: string }>("POST", "/v1/secrets", { name, value: "hush" });
  const bob = await join(server, "member", "Bob Kahn");
  await signIn(page, bob);
  await page.goto("/settings/secrets");
  await expect(page.getByText("Admins store, change and delete them.")).toBeVisible();
  await expect(page.getByRole("button", { name: "New secret" })).toHaveCount(0);
  await expect(page.getByRole("link", { name: new RegExp(name) })).toContainText("Nothing may use it");
  await page.getByRole("link", { name: new RegExp(name) }).click();
  await expect(page.getByRole("checkbox", { name: "demo" })).toBeDisabled();
  await expect(page.getByRole("button", { name: "New value" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Delete" })).toHaveCount(0);
  await expectAccessible(page);
  await page.goto("/settings/encryption");
  await expect(page.getByText("Admins renew the data key")).toBeVisible();
  await expect(page.getByRole("button", { name: "Make a new one" })).toHaveCount(0);
  await server.call("PATCH", `/v1/members/${bob.userId}`, { role: "admin" });
  await page.goto(`/settings/secrets/${made.id}`);
  await expect(page.getByRole("checkbox", { name: "demo" })).toBeEnabled();
});

test("the data key is renewed with its progress, and the record gets a new signing key", async ({
  page,
  server,
}) => {
  await server.call("POST", "/v1/secrets", { name: fresh(), value: "hush" });
  await signIn(page);
  await page.goto("/settings/encryption");
  await expect(page.getByText("It is still the first one.")).toBeVisible();
  await page.getByRole("button", { name: "Make a new one" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Make a new one" }).click();
  const progress = page.getByRole("list", { name: "How far it is" });
  await expect(progress).toContainText("Version 2 is made");
  await expect(progress).toContainText("by Owner");
  await expect(progress).toContainText(/The old key is destroyed, in about (1 h|59 min)/);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Make a new one" }).last().click();
  await page.getByRole("dialog").getByRole("button", { name: "Make a new one" }).click();
  await expect(page.getByText("The record has a new signing key")).toBeVisible();
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

test("a secret that is not there leads back", async ({ page }) => {
  await signIn(page);
  await page.goto("/settings/secrets/sec_01a20100-de98-7e20-aa5e-3bfbd3982fdf");
  await expect(page.getByRole("heading", { name: "There is no such secret" })).toBeVisible();
  await page.getByRole("link", { name: "Secrets" }).last().click();
  await expect(page.getByRole("heading", { name: "Secrets", level: 1 })).toBeVisible();
});

import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import type { Server } from "./server";

watched();

/** Starts a run of the demo's agent whose step asks first; answers the path that it wants to write. */
async function ask(server: Server, text = "done"): Promise<{ path: string; run: string }> {
  const { items } = await server.call<{ items: { id: string; name: string }[] }>("GET", "/v1/agents");
  const agent = items.find((it) => it.name === "demo");
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", { agent_ids: [agent?.id] });
  const path = `notes/${randomUUID().slice(0, 8)}.md`;
  const content = `write ${path}: "${text}"`;
  const posted = await server.call<{ run: { id: string } }>("POST", `/v1/sessions/${session.id}/messages`, {
    content,
  });
  return { path, run: posted.run.id };
}

const state = async (server: Server, run: string) =>
  (await server.call<{ state: string }>("GET", `/v1/runs/${run}`)).state;

test("a request appears by itself, shows exactly what will run, and is approved", async ({
  page,
  server,
}) => {
  await signIn(page);
  await page.goto("/inbox");
  await expect(page.getByRole("heading", { name: "Inbox" })).toBeVisible();
  const { path, run } = await ask(server, "first line\\nsecond line");
  await page.getByRole("link", { name: new RegExp(path) }).click();
  await expect(page.getByRole("heading", { name: path })).toBeVisible();
  await expect(page.getByText("Writing under notes/ asks a person first.")).toBeVisible();
  const diff = page.getByRole("group", { name: "Exactly this will run" });
  await expect(diff).toContainText("first line");
  await expect(diff).toContainText("second line");
  await expect(page.getByRole("article").getByText(/expires in 23 h/)).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Approve once" }).click();
  await expect.poll(() => state(server, run)).toBe("succeeded");
  await expect(page.getByRole("link", { name: new RegExp(path) })).toBeHidden();
});

test("a request is denied by the keyboard alone, with a comment that is kept", async ({ page, server }) => {
  const { path, run } = await ask(server);
  await signIn(page);
  await page.goto("/inbox");
  await expect(page.getByRole("link", { name: new RegExp(path) })).toBeVisible();
  await page.keyboard.press("j");
  await expect(page.getByRole("heading", { name: path })).toBeVisible();
  await page.keyboard.press("d");
  await page.getByLabel("Comment").fill("not before Monday");
  await expectAccessible(page);
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect.poll(() => state(server, run)).toBe("failed");
  await page.getByRole("link", { name: "Decided" }).click();
  await page.getByRole("link", { name: new RegExp(path) }).click();
  await expect(page.getByText("not before Monday")).toBeVisible();
  await expectAccessible(page);
});

test("always says first what it allows, and then allows it", async ({ page, server }) => {
  const { path, run } = await ask(server);
  await signIn(page);
  await page.goto("/inbox");
  await page.getByRole("link", { name: new RegExp(path) }).click();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: /^Always/ }).click();
  const dialog = page.getByRole("dialog", { name: "Allow it always?" });
  await expect(dialog).toContainText(`The agent “demo” may use the tool "file.write" on the path "${path}"`);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Allow it" }).click();
  await expect.poll(() => state(server, run)).toBe("succeeded");
  const { items } = await server.call<{ items: { allows: string }[] }>("GET", "/v1/grants");
  expect(items.some((it) => it.allows.includes(path))).toBe(true);
});

test("a viewer sees a request and may not answer it", async ({ page, server }) => {
  const viewer = { email: `viewer-${randomUUID()}@example.com`, password: "correct horse battery staple" };
  const { token } = await server.call<{ token: string }>("POST", "/v1/invitations", {
    email: viewer.email,
    role: "viewer",
  });
  await server.call("POST", "/v1/auth/register", { ...viewer, name: "Vera", invitation_token: token });
  const { path, run } = await ask(server);
  await signIn(page, viewer);
  await page.goto("/inbox");
  await page.getByRole("link", { name: new RegExp(path) }).click();
  await expect(page.getByText("Your role reads; a member answers requests.")).toBeVisible();
  await expect(page.getByRole("button", { name: /Approve/ })).toHaveCount(0);
  await page.keyboard.press("a");
  expect(await state(server, run)).toBe("waiting");
});

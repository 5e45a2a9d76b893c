import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join as path } from "node:path";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";

watched();

const named = () => `build-${randomUUID().slice(0, 8)}`;
const server = process.env.CHANCERY_BIN ?? path(import.meta.dirname, "../../target/debug/chancery");

/** A real node beside the tests, with what the page said. */
function startNode(gateway: string, credential: string): { process: ChildProcess; end(): Promise<void> } {
  const folder = mkdtempSync(path(tmpdir(), "chancery-web-node-"));
  const file = path(folder, "credential");
  writeFileSync(file, credential, { mode: 0o600 });
  const options = ["--gateway", gateway, "--credential-file", file, "--data-dir", path(folder, "data")];
  const node = spawn(path(dirname(server), "chancery-node"), options, { stdio: "ignore" });
  return {
    process: node,
    async end() {
      if (node.exitCode === null && node.kill("SIGTERM"))
        await new Promise((resolve) => node.once("exit", resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test("a machine is added: its credential is shown once, and it is there when it connects", async ({
  page,
  server,
}) => {
  const name = named();
  await signIn(page);
  await page.goto("/nodes");
  await expect(page.getByRole("link", { name: /^local/ })).toContainText("Online");
  await expectAccessible(page);
  await page.keyboard.press("n");
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Add it" }).click();
  const dialog = page.getByRole("dialog", { name });
  await expect(dialog.getByText(`Waiting for ${name} to connect…`)).toBeVisible();
  await expectAccessible(page);
  const credential = (await dialog.getByText(/^chn_/).textContent()) ?? "";
  const command = dialog.getByRole("group", { name: "3. Start the node there" });
  const gateway = /--gateway (\S+)/.exec((await command.textContent()) ?? "")?.[1] ?? "";
  expect(gateway).toBe(server.url.replace("http", "ws"));

  // It can't be shown again, so closing asks once.
  await page.keyboard.press("Escape");
  await expect(dialog.getByText("Close without having copied it?")).toBeVisible();

  const node = startNode(gateway, credential);
  await expect(dialog.getByText(`${name} is connected`)).toBeVisible({ timeout: 30_000 });
  await expect(dialog.getByText(credential)).toBeHidden();
  await expectAccessible(page);
  await dialog.getByRole("link", { name: "Look at it" }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(page.getByText("Online")).toBeVisible();
  await expect(page.getByRole("article", { name: "Files of workspaces" })).toContainText("Enforced");
  await expect(page.getByRole("list", { name: "What happened to it" })).toContainText("Connected");
  await expectAccessible(page);
  expect(await page.content()).not.toContain(credential);

  await page.getByRole("button", { name: "Revoke" }).click();
  const ask = page.getByRole("dialog", { name: `Revoke ${name}?` });
  await expect(ask).toContainText("How a job ended that is under way there will never be known");
  await expectAccessible(page);
  await ask.getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("its credential opens nothing any more")).toBeVisible();
  await expect(page.getByRole("button", { name: "Revoke" })).toBeHidden();
  await page.getByRole("link", { name: "Nodes" }).first().click();
  await expect(page.getByRole("link", { name: /^local/ })).toBeVisible();
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeHidden();
  await node.end();
});

test("a name that is taken is refused, and what was typed stays", async ({ page, server, watch }) => {
  watch.allow(/status of 409/);
  const name = named();
  await server.call("POST", "/v1/nodes", { name });
  await signIn(page);
  await page.goto("/nodes");
  await expect(page.getByRole("link", { name: new RegExp(name) })).toContainText("Never connected");
  await page.getByRole("button", { name: "Add a node" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Add it" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue(name);
});

test("what a node enforces is said plainly, and the installation's can't be taken away", async ({
  page,
  server,
}) => {
  const { items } = await server.call<{ items: { id: string; name: string }[] }>("GET", "/v1/nodes");
  const local = items.find((it) => it.name === "local");
  await signIn(page);
  await page.goto(`/nodes/${local?.id}`);
  const sandbox = page.getByRole("article", { name: "Sandbox of namespaces" });
  await expect(sandbox).toBeVisible();
  await expect(page.getByRole("article", { name: "Sandbox in containers" })).toContainText("Not available");
  await expect(page.getByRole("list", { name: "What is refused here" })).toBeVisible();
  await expect(page.getByText("only its operator can take it away").last()).toBeVisible();
  await expect(page.getByRole("button", { name: "Revoke" })).toBeHidden();
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.goto("/nodes");
  await expect(page.getByRole("link", { name: /^local/ })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectAccessible(page);
});

test("a viewer sees nodes, and is told why none can be added or revoked", async ({ page, server }) => {
  const { node } = await server.call<{ node: { id: string } }>("POST", "/v1/nodes", { name: named() });
  await signIn(page, await join(server, "viewer"));
  await page.goto("/nodes");
  await expect(page.getByRole("link", { name: /^local/ })).toBeVisible();
  await expect(page.getByText("Adding and revoking nodes takes the role of an admin.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Add a node" })).toBeHidden();
  await page.goto(`/nodes/${node.id}`);
  await expect(page.getByText("Adding and revoking nodes takes the role of an admin.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Revoke" })).toBeHidden();
});

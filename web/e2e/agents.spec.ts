import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { join } from "./people";
import { thinker } from "./provider";
import type { Server } from "./server";
import { runOf, settled } from "./work";

watched();

const named = (kind: string) => `${kind}-${randomUUID().slice(0, 8)}`;

/** An agent of its own for a test, which changes it. */
async function agentOf(server: Server, body: Record<string, unknown> = {}) {
  const name = named("clerk");
  const agent = await server.call<{ id: string }>("POST", "/v1/agents", {
    name,
    planner: "rules",
    tools: ["file.read", "file.write"],
    workspace: "demo",
    ...body,
  });
  return { name, id: agent.id };
}

const changed = (server: Server, id: string, body: object) => server.call("PATCH", `/v1/agents/${id}`, body);
const read = <T>(server: Server, id: string) => server.call<T>("GET", `/v1/agents/${id}`);
const confirm = (page: Page, name: string) =>
  page.getByRole("dialog").getByRole("button", { name, exact: true }).click();

test("an agent is made by a form that names what does not fit, and keeps what was typed", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(/status of 409/);
  const taken = await agentOf(server);
  const name = named("keeper");
  await signIn(page);
  await page.goto("/agents");
  await expect(page.getByRole("link", { name: /demo/ })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("n");
  await expect(page.getByRole("heading", { name: "New agent" })).toBeVisible();
  await page.getByRole("textbox", { name: "Instructions" }).fill("You keep our notes.");
  await page.getByLabel("Steps of one run at most").fill("0");
  await page.getByLabel("Schema of its answers").fill("{");
  await page.getByRole("button", { name: "Create the agent" }).click();
  await expect(page.getByText("It needs a name.")).toBeVisible();
  await expect(page.getByText("A whole number from 1 to 1,000.")).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  await expectAccessible(page);

  await page.getByLabel("Steps of one run at most").fill("12");
  await page.getByLabel("Schema of its answers").fill("");
  await page.getByLabel("Name", { exact: true }).fill(taken.name);
  await page.getByLabel("Find a tool").fill("file");
  await page.getByRole("checkbox", { name: /^file\.read/ }).check();
  await page.getByRole("checkbox", { name: /^file\.search/ }).check();
  await page.getByLabel("Spending of one run at most").fill("0.25");
  await page.getByRole("button", { name: "Create the agent" }).click();
  await expect(page.getByRole("alert")).toContainText("another agent is called", { ignoreCase: true });

  await page.reload();
  await expect(page.getByRole("textbox", { name: "Instructions" })).toHaveValue("You keep our notes.");
  await expect(page.getByText("2 chosen")).toBeVisible();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create the agent" }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(page).toHaveURL(/tab=try/);
  const id = /agt_[0-9a-f-]+/.exec(page.url())?.[0] ?? "";
  expect(await read(server, id)).toMatchObject({
    name,
    planner: "model",
    instructions: "You keep our notes.",
    tools: ["file.read", "file.search"],
    max_steps: 12,
    budget_usd_micros: 250_000,
  });
});

test("changes that are left are kept and said; saving them makes a version", async ({ page, server }) => {
  const { id, name } = await agentOf(server);
  await signIn(page);
  await page.goto(`/agents/${id}`);
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("e");
  await page.getByLabel("Description").fill("Keeps what was decided.");
  await expect(page.getByText("Not saved")).toBeVisible();
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page.getByText("Your changes are not saved")).toBeVisible();
  await page.getByRole("link", { name: "Go on with them" }).click();
  await expect(page.getByLabel("Description")).toHaveValue("Keeps what was decided.");
  // What somebody else changes meanwhile stays as they left it.
  await changed(server, id, { max_steps: 7 });
  await expect(page.getByText("Somebody made another version")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save as the next version" }).click();
  await expect(page.getByText(`${name}, version 3, is in force`)).toBeVisible();
  expect(await read(server, id)).toMatchObject({ description: "Keeps what was decided.", max_steps: 7 });
  await page.getByRole("link", { name: "Edit" }).click();
  await expect(page.getByText("Nothing is changed.")).toBeVisible();
});

test("versions are compared, and an earlier one is made the next", async ({ page, server }) => {
  const { id } = await agentOf(server, { planner: "model", instructions: "You keep notes.\nBe brief." });
  await changed(server, id, {
    instructions: "You keep notes.\nBe kind.",
    tools: ["file.read"],
    max_steps: 9,
  });
  await changed(server, id, { instructions: "You keep notes." });
  await signIn(page);
  await page.goto(`/agents/${id}?tab=versions`);
  const versions = page.getByRole("list", { name: "Versions" });
  await expect(versions.getByRole("listitem")).toHaveCount(3);
  await expect(versions.getByRole("listitem").first()).toContainText("In force");
  await expect(versions.getByRole("listitem").first()).toContainText("by Owner");
  const instructions = page.getByRole("group", { name: "Instructions" });
  await expect(instructions).toContainText("Be kind.");
  await versions.getByRole("link", { name: /Version 2/i }).click();
  await expect(page.getByRole("heading", { name: "From version 1 to version 2" })).toBeVisible();
  await expect(instructions).toContainText("Be brief.");
  await expect(page.getByText("file.write")).toBeVisible();
  await expect(page.getByRole("deletion").filter({ hasText: "50" })).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Compare with").selectOption("version 3");
  await expect(page.getByRole("heading", { name: "From version 3 to version 2" })).toBeVisible();
  await page.getByRole("button", { name: "Go back to version 2" }).click();
  const dialog = page.getByRole("dialog", { name: "Make version 2 the next one?" });
  await expect(dialog.getByRole("group", { name: "Instructions" })).toContainText("Be kind.");
  await expectAccessible(page);
  await confirm(page, "Go back to version 2");
  await expect(versions.getByRole("listitem").first()).toContainText("as version 2 was");
  expect(await read(server, id)).toMatchObject({ version: 4, max_steps: 9 });
});

test("an agent is paused, activated and retired, each with what it means", async ({ page, server }) => {
  const { id, name } = await agentOf(server);
  await signIn(page);
  await page.goto(`/agents/${id}`);
  const menu = page.getByRole("button", { name: "More of what can be done with it" });
  await menu.click();
  await page.getByRole("menuitem", { name: "Pause" }).click();
  await expect(page.getByRole("dialog")).toContainText("starts no runs until it is activated");
  await expectAccessible(page);
  await confirm(page, "Pause");
  await expect(page.getByText("It is paused, and starts no runs.")).toBeVisible();
  await page.goto(`/agents/${id}?tab=try`);
  await page.getByLabel("What to ask").fill("read notes/todo.md");
  await expect(page.getByRole("button", { name: "Ask it" })).toBeDisabled();
  await expect(page.getByText("It has to be active to be asked.")).toBeVisible();
  await menu.click();
  await page.getByRole("menuitem", { name: "Activate" }).click();
  await confirm(page, "Activate");
  await expect(page.getByRole("button", { name: "Ask it" })).toBeEnabled();
  await menu.click();
  await page.getByRole("menuitem", { name: "Retire" }).click();
  await expect(page.getByRole("dialog")).toContainText("there is no way back");
  await confirm(page, "Retire");
  await expect(page.getByText("It is retired: it never starts a run again")).toBeVisible();
  await expect(page.getByRole("link", { name: "Edit" })).toBeHidden();
  await page.goto("/agents?state=retired");
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeVisible();
  await expect(page.getByRole("link", { name: /^demo/ })).toBeHidden();
  await page.goto(`/agents/${id}`);
  await menu.click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await confirm(page, "Delete");
  await expect(page).toHaveURL(/\/agents$/);
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeHidden();
});

test("an agent is tried right there: its steps, a yes that it needs, and two versions compared", async ({
  page,
  server,
}) => {
  const { id } = await agentOf(server);
  const path = `notes/${randomUUID().slice(0, 8)}.md`;
  await signIn(page);
  await page.goto(`/agents/${id}?tab=try`);
  await page.getByLabel("What to ask").fill(`write ${path}: "hello"; read ${path}`);
  await page.keyboard.press("ControlOrMeta+Enter");
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer.getByText("It waits for a yes.")).toBeVisible();
  await expectAccessible(page);
  const said = answer.getByRole("group", { name: "code" }).filter({ hasText: "hello" }).first();
  await answer.getByRole("button", { name: "Approve once" }).click();
  await expect(answer.getByText("Succeeded", { exact: true }).first()).toBeVisible();
  await expect(said).toBeVisible();
  await expectAccessible(page);
  await page.reload();
  await expect(said).toBeVisible();

  await changed(server, id, { max_steps: 5 });
  await expect(page.getByText(/version 2/).first()).toBeVisible();
  await page.getByRole("button", { name: "Ask it" }).click();
  await answer.getByRole("button", { name: "Approve once" }).click();
  await answer.getByRole("link", { name: "Compare with version 1" }).click();
  await expect(page).toHaveURL(/\/runs\/compare\?a=run_/);
  await expect(page.getByText(/Step by step the same|They part at step/)).toBeVisible();
});

test("what a model says is shown while it says it", async ({ page, server }) => {
  const { agentId, provider } = await thinker(server, named("thinker"));
  await signIn(page);
  await page.goto(`/agents/${agentId}?tab=try`);
  await page.getByLabel("What to ask").fill("hello?");
  await page.getByRole("button", { name: "Ask it" }).click();
  const asked = await provider.asked();
  asked.say("Half of ");
  const answer = page.getByRole("article", { name: "Answer" });
  await expect(answer.getByText("Half of")).toBeVisible();
  asked.say("an **answer**.");
  asked.end();
  await expect(answer.getByText("Half of an answer.")).toBeVisible();
  await expect(answer.getByText("Succeeded", { exact: true })).toBeVisible();
  await expect(answer.getByText("9 in, 3 out")).toBeVisible();
  await provider.close();
});

test("a viewer reads everything of an agent, and is told why nothing can be changed", async ({
  page,
  server,
}) => {
  const { id, name } = await agentOf(server);
  const viewer = await join(server, "viewer");
  await signIn(page, viewer);
  await page.goto("/agents");
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeVisible();
  await expect(page.getByText("Changing agents takes the role of an admin.")).toBeVisible();
  await expect(page.getByRole("link", { name: "New agent" })).toBeHidden();
  await page.keyboard.press("n");
  await page.getByRole("link", { name: new RegExp(name) }).click();
  await expect(page.getByRole("list", { name: "What it may ask for" })).toContainText("file.write");
  await expect(page.getByRole("link", { name: "Edit" })).toBeHidden();
  await expect(page.getByRole("button", { name: "More of what can be done with it" })).toBeHidden();
  await page.goto(`/agents/${id}?tab=try`);
  await expect(page.getByText("Asking takes the role of a member.")).toBeVisible();
  await page.goto(`/agents/${id}/edit`);
  await page.getByLabel("Description").fill("mine");
  await expect(page.getByRole("button", { name: "Save as the next version" })).toBeDisabled();
});

test("the pages of agents fit a phone, and the keys go through the list", async ({ page, server }) => {
  const { id, name } = await agentOf(server);
  await signIn(page);
  await page.goto("/agents");
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type(name);
  await page.keyboard.press("Tab");
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/agents/${id}$`));
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["", "?tab=versions", "?tab=try", "/edit"]) {
    await page.goto(`/agents/${id}${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toContainText(name);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await expectAccessible(page);
  }
});

test("the list says when an agent last ran, also where many other runs were since", async ({
  page,
  server,
}) => {
  await settled(server, await runOf(server, "list docs", "demo"), "succeeded");
  // As if the newest of the organisation were all of others.
  await page.route(/\/v1\/runs\?limit=200$/, (route) =>
    route.fulfill({ json: { items: [], next_cursor: null } }),
  );
  await signIn(page);
  await page.goto("/agents");
  const demo = page.getByRole("list", { name: "Agents" }).getByRole("link", { name: /^demo/ });
  await expect(demo.locator("time")).toBeVisible();
});

test("what can be made is in the palette everywhere", async ({ page }) => {
  await signIn(page);
  await page.goto("/inbox");
  await expect(page.getByRole("heading", { name: "Inbox" })).toBeVisible();
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("Add a node");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Add a node" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await expect(page).toHaveURL(/\/tools$/);
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("New agent");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/agents\/new$/);
});

test("nothing to make is in a viewer's palette", async ({ page, server }) => {
  await signIn(page, await join(server, "viewer"));
  await page.goto("/inbox");
  await expect(page.getByRole("heading", { name: "Inbox" })).toBeVisible();
  await page.keyboard.press("ControlOrMeta+k");
  await expect(page.getByRole("option", { name: "Show the keys" })).toBeVisible();
  await page.keyboard.type("New agent");
  await expect(page.getByRole("option", { name: "All results for “New agent”" })).toBeVisible();
  await expect(page.getByRole("option", { name: "New agent", exact: true })).toBeHidden();
});

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { played, thinker } from "./provider";
import { fresh, runOf, settled } from "./work";

watched();

const XSS = "<img src=x onerror=alert(1)>";

test("a run is found by filters that stand in the address, and kept as a view", async ({ page, server }) => {
  const failed = await runOf(server, "read notes/none.md");
  await runOf(server, "read notes/todo.md");
  await settled(server, failed, "failed");
  await signIn(page);
  await page.goto("/runs");
  const rows = page.getByRole("list", { name: "Runs" }).getByRole("listitem");
  await expect(rows.filter({ hasText: failed.slice(-6) })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("combobox", { name: "State" }).selectOption("Failed");
  await expect(page).toHaveURL(/state=failed/);
  await expect(rows.filter({ hasText: "Succeeded" })).toHaveCount(0);
  await page.getByRole("combobox", { name: "Agent" }).selectOption("demo");
  await expect(page).toHaveURL(/agent=agt_/);
  await page.getByRole("button", { name: "Save as view" }).click();
  await page.getByLabel("Name").fill("Broken demos");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "All", exact: true }).click();
  await expect(page).toHaveURL(/\/runs$/);
  await page.reload();
  await page.getByRole("button", { name: "Broken demos" }).click();
  await expect(page).toHaveURL(/state=failed/);
  await page.getByRole("button", { name: "Forget the view Broken demos" }).click();
  await expect(page.getByRole("button", { name: "Broken demos" })).toBeHidden();
});

test("the keys go through the list and into a run", async ({ page, server }) => {
  const run = await runOf(server, "read notes/todo.md");
  await settled(server, run, "succeeded");
  await signIn(page);
  await page.goto("/runs");
  await expect(page.getByRole("link", { name: new RegExp(run.slice(-6)) })).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type(run);
  await expect(page.getByRole("list", { name: "Runs" }).getByRole("listitem")).toHaveCount(1);
  await page.keyboard.press("Tab");
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/runs/${run}$`));
  const steps = page.getByRole("list", { name: "Steps over time" });
  await expect(steps.getByRole("button")).toHaveCount(1);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("complementary", { name: "Step 1" })).toContainText("demo#read-files");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("complementary", { name: "Step 1" })).toBeHidden();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/runs$/);
});

test("a run grows while it is looked at, and shows why each step was decided", async ({ page, server }) => {
  const run = await runOf(server, `write notes/live.md: "${XSS}"; read notes/live.md`);
  await settled(server, run, "waiting");
  await signIn(page);
  await page.goto(`/runs/${run}`);
  await expect(page.getByText("It waits for a person")).toBeVisible();
  const steps = page.getByRole("list", { name: "Steps over time" }).getByRole("button");
  await expect(steps).toHaveCount(1);
  await expectAccessible(page);
  const { items } = await server.call<{ items: { id: string; run_id: string }[] }>(
    "GET",
    "/v1/approvals?status=pending&limit=200",
  );
  const asked = items.find((it) => it.run_id === run);
  await server.call("POST", `/v1/approvals/${asked?.id}/approve`, { scope: "once" });
  await expect(steps).toHaveCount(2);
  await expect(page.getByText("It waits for a person")).toBeHidden();
  await steps.first().click();
  const step = page.getByRole("complementary", { name: "Step 1" });
  await expect(step).toContainText("Writing under notes/ asks a person first");
  await expect(step).toContainText("demo#write-notes");
  await expect(step).toContainText(/Approved by .*, once/);
  await expect(step.getByRole("region", { name: "Input" })).toContainText(XSS);
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Answer" }).click();
  await expect(page.getByRole("group", { name: "Answer" })).toContainText("onerror=alert(1)");
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Events" }).click();
  await expect(page.getByRole("list", { name: "Events" })).toContainText("run.succeeded");
});

test("beside a step there is room for the others, and for what can be done with the run", async ({
  page,
  server,
}) => {
  const run = await runOf(server, "read notes/todo.md; list docs");
  await settled(server, run, "succeeded");
  await signIn(page);
  await page.setViewportSize({ width: 1024, height: 800 });
  await page.goto(`/runs/${run}?step=1`);
  const panel = page.getByRole("complementary", { name: "Step 1" });
  await expect(panel).toBeVisible();
  const left = (await panel.boundingBox())?.x ?? 0;
  const rows = page.getByRole("list", { name: "Steps over time" }).getByRole("button");
  for (const row of await rows.all()) {
    const box = await row.boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(left);
  }
  // A trial click: nothing lies over it.
  await page.getByRole("link", { name: "Replay", exact: true }).click({ trial: true });
});

test("a run on a phone: a step opens from below, and the run is cancelled", async ({ page, server }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const run = await runOf(server, "write notes/phone.md: x");
  await settled(server, run, "waiting");
  await signIn(page);
  await page.goto(`/runs/${run}`);
  await page.getByRole("list", { name: "Steps over time" }).getByRole("button").first().click();
  const step = page.getByRole("dialog", { name: /Step 1/ });
  await expect(step.getByRole("region", { name: "Input" })).toContainText("notes/phone.md");
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await expect(page.getByText("Cancelled")).toBeVisible();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
});

test("a replay is identical, and under a stricter policy it parts where it would be denied", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(/status of 422/);
  const run = await runOf(server, "read notes/todo.md; run skill word-count on notes/todo.md");
  await settled(server, run, "succeeded");
  await signIn(page);
  await page.goto(`/runs/${run}`);
  await page.getByRole("link", { name: "Replay" }).click();
  await expect(page.getByText("Identical, byte for byte")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("radio", { name: /Other policies/ }).check();
  const editor = page.getByRole("textbox", { name: "Its text for this replay" });
  await expect(editor).toContainText("read-files");
  await editor.click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.insertText(
    '\n@id("no-skills")\n@reason("skills are shut")\nforbid (principal, action == Chancery::Action::"skill.run", resource);',
  );
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  await expect(page.getByText("It goes another way at step 2")).toBeVisible();
  await expect(page.getByText("First divergence")).toBeVisible();
  await expect(page.getByRole("list", { name: "Replay" })).toContainText("Skills are shut.");
  await expectAccessible(page);
  await editor.click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.insertText("\npermit (");
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect(page.getByRole("alert")).toContainText("policy demo");
});

test("two runs stand side by side, with the first place where they part", async ({ page, server }) => {
  const a = await runOf(server, "read notes/todo.md; read notes/todo.md");
  const b = await runOf(server, "read notes/todo.md; read notes/none.md");
  await settled(server, a, "succeeded");
  await settled(server, b, "failed");
  await signIn(page);
  await page.goto(`/runs/compare?a=${a}&b=${a}`);
  await expect(page.getByText("Step by step the same")).toBeVisible();
  await page.getByLabel("Run B").selectOption(b);
  await expect(page).toHaveURL(new RegExp(`b=${b}`));
  await expect(page.getByText("They part at step 2")).toBeVisible();
  await expect(page.getByText("First divergence")).toBeVisible();
  await expectAccessible(page);
});

test("a run that is nobody's says so and leads back", async ({ page, watch }) => {
  watch.allow(/status of 404/);
  await signIn(page);
  await page.goto("/runs/run_01a20065-f1c6-724f-99c7-21182aabfa27");
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByRole("link", { name: "Runs" }).last().click();
  await expect(page).toHaveURL(/\/runs$/);
});

/** Takes requests and hangs up on the first, so that nobody knows what came of it. */
async function hangsUpOnce(): Promise<{ url: string; asked: () => number; close: () => void }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    if (asked === 1) request.resume().on("end", () => request.socket.destroy());
    else response.setHeader("content-type", "application/json").end('{"paid":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked: () => asked, close: () => void server.close() };
}

test("an outcome that nobody knows is decided by a person", async ({ page, server }) => {
  const shop = await hangsUpOnce();
  await server.call("POST", "/v1/tools/http/pay", {
    method: "POST",
    url_template: `${shop.url}/pay`,
    schema: { type: "object" },
  });
  const run = await server.call<{ id: string }>("POST", "/v1/tools/pay/invoke", { arguments: {} });
  await settled(server, run.id, "waiting");
  await signIn(page);
  await page.goto(`/runs/${run.id}`);
  const approve = async () => {
    await page.getByRole("link", { name: "Look at the request" }).click();
    await page.getByRole("button", { name: "Approve once" }).click();
    await page.goto(`/runs/${run.id}`);
  };
  await approve();
  await expect(page.getByText("Nobody knows whether this step happened")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Repeat it" }).click();
  // What was approved once is asked for again.
  await approve();
  await settled(server, run.id, "succeeded");
  await expect(page.getByText("Nobody knows whether this step happened")).toBeHidden();
  await expect(page.getByText("Succeeded").first()).toBeVisible();
  expect(shop.asked()).toBe(2);
  await page.getByRole("list", { name: "Steps over time" }).getByRole("button").first().click();
  const step = page.getByRole("complementary", { name: "Step 1" });
  await expect(step).toContainText("2 attempts");
  await expect(step.getByRole("group", { name: "Output" })).toContainText("paid");
  shop.close();
});

test("a replay asks another model, and says where it answers otherwise", async ({ page, server }) => {
  const name = fresh("asked");
  const { agentId, provider } = await thinker(server, name);
  const other = await played(server, fresh("other"));
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", {
    title: name,
    agent_ids: [agentId],
  });
  const posted = await server.call<{ run: { id: string } }>("POST", `/v1/sessions/${session.id}/messages`, {
    content: "Pick a fruit",
  });
  const first = await provider.asked();
  first.say("An apple.");
  first.end();
  await settled(server, posted.run.id, "succeeded");
  await signIn(page);
  await page.goto(`/runs/${posted.run.id}/replay?mode=model`);
  await page.getByLabel("Model profile").selectOption(other.profileId);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  const asked = await other.provider.asked();
  expect(asked.question).toContain("Pick a fruit");
  asked.say("A pear.");
  asked.end();
  await expect(page.getByText(/It goes another way at/)).toBeVisible();
  await expect(page.getByText("A pear.").first()).toBeVisible();
  await expect(page.getByText("An apple.").first()).toBeVisible();
  await expectAccessible(page);
  await provider.close();
  await other.provider.close();
});

import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { runOf, settled } from "./work";

watched();

let demo: { cedar: string } | undefined;

// Other tests of this worker count on the demo's policy.
test.beforeEach(async ({ server }) => {
  const { items } = await server.call<{ items: { name: string; cedar: string }[] }>("GET", "/v1/policies");
  demo ??= items.find((it) => it.name === "demo");
});
test.afterEach(async ({ server }) => {
  await server.call("PUT", "/v1/policies/demo", { cedar: demo?.cedar ?? "", comment: "as it was" });
});

test("mistakes are named while one writes, and a stricter text is tried before it is published", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(/status of 422.*simulate/);
  const run = await runOf(server, "run skill word-count on notes/todo.md");
  await settled(server, run, "succeeded");
  await signIn(page);
  await page.goto("/policies");
  await expect(page.getByRole("list", { name: "Policies" }).getByRole("listitem")).toHaveCount(1);
  await expectAccessible(page);
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "demo" })).toBeVisible();
  const editor = page.getByRole("textbox", { name: "Text of the policy" });
  await expect(editor).toContainText("read-files");
  await expect(page.getByText("No mistakes")).toBeVisible();
  const publish = page.getByRole("button", { name: "Review and publish" });
  await expect(publish).toBeDisabled();
  await expectAccessible(page);

  await editor.click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.insertText(
    '\n@id("no-skills")\n@reason("skills are shut")\nforbid (principal, action == Chancery::Action::"skill.rum", resource);',
  );
  await expect(page.getByText("1 mistake")).toBeVisible();
  await expect(page.getByText(/did you mean/).first()).toBeVisible();
  await expect(publish).toBeDisabled();
  for (let back = 0; back < 'm", resource);'.length; back += 1) await page.keyboard.press("Backspace");
  await page.keyboard.insertText('n", resource);');
  await expect(page.getByText("No mistakes")).toBeVisible();

  await page.reload();
  await expect(page.getByText("Changed here")).toBeVisible();
  await editor.click();
  await page.keyboard.press("ControlOrMeta+End");
  await expect(editor).toContainText("no-skills");
  await page.getByRole("button", { name: "Simulate" }).click();
  const flips = page.getByRole("list", { name: "Decisions that would be others" });
  await expect(flips).toContainText("skill.run");
  await expect(flips).toContainText("Skills are shut.");
  await expectAccessible(page);
  await page.getByRole("tab", { name: "Changes" }).click();
  await expect(page.getByRole("group", { name: "What changes" })).toContainText("no-skills");

  await publish.click();
  const dialog = page.getByRole("dialog", { name: "Publish demo?" });
  await expect(dialog).toContainText("decisions would be others");
  await expectAccessible(page);
  await dialog.getByLabel("What changes, and why").fill("skills stay shut for now");
  await dialog.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByText("version 2", { exact: false }).first()).toBeVisible();
  await expect(page.getByText("skills stay shut for now")).toBeVisible();
  const denied = await runOf(server, "run skill word-count on notes/todo.md");
  await settled(server, denied, "failed");
});

test("an action is checked, and a policy comes and goes", async ({ page }) => {
  await signIn(page);
  await page.goto("/policies");
  await page.getByRole("button", { name: "New policy" }).click();
  await page.getByLabel("Name").fill("team docs");
  await expect(page.getByText("Only letters")).toBeVisible();
  await page.getByLabel("Name").fill("team");
  await page.getByRole("button", { name: "Begin" }).click();
  await expect(page.getByText("Not published yet")).toBeVisible();
  await expect(page.getByText("No mistakes")).toBeVisible();
  await page.getByRole("tab", { name: "Check", exact: true }).click();
  await page.getByLabel("Tool").selectOption("file.write");
  await page.getByLabel("Who asks").selectOption("demo");
  await page.getByLabel("Arguments, as JSON").fill('{"path": "notes/x.md"');
  await expect(page.getByText("This is no JSON object.")).toBeVisible();
  await page.getByLabel("Arguments, as JSON").fill('{"path": "notes/x.md", "content": "x"}');
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await expect(page.getByText("demo#write-notes")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Review and publish" }).click();
  await page.getByLabel("What changes, and why").fill("docs are for all");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByText("docs are for all")).toBeVisible();
  await page.getByRole("button", { name: "Take out of force" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take out of force" }).click();
  await expect(page).toHaveURL(/\/policies$/);
  await expect(page.getByRole("link", { name: /^team/ })).toBeHidden();
});

test("versions are compared, and an earlier one comes back", async ({ page, server }) => {
  const text = (id: string) =>
    `@id("${id}")\npermit (principal, action == Chancery::Action::"noop", resource);\n`;
  for (const [cedar, comment] of [
    [text("first-try"), "to begin with"],
    [text("second-try"), "a better name"],
  ]) {
    await server.call("PUT", "/v1/policies/versioned", { cedar, comment });
  }
  await signIn(page);
  await page.goto("/policies/versioned");
  await page.getByRole("tab", { name: "Versions" }).click();
  const list = page.getByRole("list", { name: "Versions, the newest first" });
  await expect(list.getByRole("listitem")).toHaveCount(2);
  await expect(list.getByRole("listitem").first()).toContainText("In force");
  await expect(list.getByRole("listitem").first()).toContainText("a better name");
  const diff = page.getByRole("group", { name: "What differs in version 2" });
  await expect(diff).toContainText("first-try");
  await expect(diff).toContainText("second-try");
  await expectAccessible(page);

  await list.getByRole("button", { name: /to begin with/ }).click();
  await page.getByLabel("Compared with").selectOption("The text in the editor");
  await expect(page.getByRole("group", { name: "What differs in version 1" })).toContainText("second-try");
  await page.getByRole("button", { name: "Write version 1 into the editor" }).click();
  await expect(page.getByRole("textbox", { name: "Text of the policy" })).toContainText("first-try");
  await page.getByRole("button", { name: "Review and publish" }).click();
  await page.getByLabel("What changes, and why").fill("the first name was right");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(list.getByRole("listitem")).toHaveCount(3);
  await expect(list.getByRole("listitem").first()).toContainText("the first name was right");
  const { items } = await server.call<{ items: { name: string; cedar: string; version: number }[] }>(
    "GET",
    "/v1/policies",
  );
  expect(items.find((it) => it.name === "versioned")).toMatchObject({ cedar: text("first-try"), version: 3 });
  await server.call("DELETE", "/v1/policies/versioned");
});

test("every side of a policy is in sight, at each width", async ({ page }) => {
  await signIn(page);
  for (const width of [1440, 1024, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto("/policies/demo");
    const tabs = page.getByRole("tab");
    await expect(tabs).toHaveCount(5);
    for (const tab of await tabs.all()) {
      const box = await tab.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    }
  }
});

test("the editor fits a phone", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  await page.goto("/policies/demo");
  await expect(page.getByRole("textbox", { name: "Text of the policy" })).toContainText("read-files");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectAccessible(page);
});

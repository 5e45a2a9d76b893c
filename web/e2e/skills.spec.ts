import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { fresh, person, runOf, settled } from "./work";

watched();

const demo = join(import.meta.dirname, "../../demo/skills/word-count");

test("skills are listed; one says what it does, what it is given and who can use it", async ({ page }) => {
  await signIn(page);
  await page.goto("/skills");
  await expect(page.getByRole("link", { name: /word-count/ })).toContainText("Can be run");
  await expectAccessible(page);
  await page.getByLabel("Find a skill").fill("todos");
  await expect(page.getByRole("link", { name: /word-count/ })).toBeHidden();
  await page.getByLabel("Find a skill").fill("");
  await page.getByRole("link", { name: /word-count/ }).click();
  await expect(page.getByText("Counts lines, words and characters, as a table")).toBeVisible();
  await expect(page.getByText(/^sha256:/)).toBeVisible();
  await expect(page.getByText("read only")).toBeVisible();
  await expect(page.getByRole("list", { name: "Agents that can use it" })).toContainText("demo");
  await expect(page.getByRole("list", { name: "Versions" })).toContainText("version 1");
  await expectAccessible(page);
});

test("a folder is published as a skill that runs, again as its next version, and deleted", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(/status of 422/);
  const folder = mkdtempSync(join(tmpdir(), "chancery-web-skill-"));
  const name = fresh("count");
  cpSync(demo, folder, { recursive: true });
  const text = readFileSync(join(folder, "SKILL.md"), "utf8");
  writeFileSync(join(folder, "SKILL.md"), text.replace("name: word-count", `name: ${name}`));
  await signIn(page);
  await page.goto("/skills");
  await expect(page.getByRole("link", { name: "Publish a skill" })).toBeVisible();
  await page.keyboard.press("n");
  await expect(page.getByRole("button", { name: "Publish", exact: true })).toBeDisabled();
  await page.getByLabel("Folder of the skill").setInputFiles(folder);
  const files = page.getByRole("list", { name: "Files" });
  await expect(files.getByRole("listitem")).toHaveCount(3);
  await expect(
    files.getByRole("listitem").filter({ hasText: "count.sh" }).getByRole("checkbox"),
  ).toBeChecked();
  await expect(
    files.getByRole("listitem").filter({ hasText: "SKILL.md" }).getByRole("checkbox"),
  ).not.toBeChecked();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByText(`${name}, version 1, is published`)).toBeVisible();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(page.getByText("scripts/count.sh")).toBeVisible();

  // It is another skill than the one that a policy permits.
  const denied = await runOf(server, `run skill ${name} on notes/todo.md`);
  await settled(server, denied, "failed");

  await page.getByRole("link", { name: "Publish its next version" }).click();
  await page.getByRole("radio", { name: "Write it here" }).check();
  await page.getByLabel("SKILL.md").fill("no front matter");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("has no front matter");
  await page
    .getByLabel("SKILL.md")
    .fill(`---\nname: ${name}\ndescription: Only words now.\n---\n\n# Words\n`);
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByText(`${name}, version 2, is published`)).toBeVisible();
  await expect(page.getByText("Instructions alone")).toBeVisible();
  await expect(page.getByText("Only words now.")).toBeVisible();

  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("dialog")).toContainText("There is no way back");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/skills$/);
  await expect(page.getByRole("link", { name: /word-count/ })).toBeVisible();
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeHidden();
  rmSync(folder, { recursive: true, force: true });
});

test("a skill is published as a tar that others made, and one that is no tar is refused", async ({
  page,
  watch,
}) => {
  watch.allow(/status of 4\d\d/);
  const folder = mkdtempSync(join(tmpdir(), "chancery-web-tar-"));
  const name = fresh("packed");
  const text = `---\nname: ${name}\ndescription: It came in a tar.\n---\n\n# Packed\n`;
  writeFileSync(join(folder, "SKILL.md"), text);
  execFileSync("tar", ["-cf", "skill.tar", "SKILL.md"], { cwd: folder });
  await signIn(page);
  await page.goto("/skills/new");
  await page.getByRole("radio", { name: "A tar file" }).check();
  await expect(page.getByRole("button", { name: "Publish", exact: true })).toBeDisabled();
  const field = page.getByLabel("Tar file", { exact: true });
  await field.setInputFiles({ name: "no.tar", mimeType: "application/x-tar", buffer: Buffer.from("no tar") });
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expectAccessible(page);
  await field.setInputFiles(join(folder, "skill.tar"));
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByText(`${name}, version 1, is published`)).toBeVisible();
  await expect(page.getByText("It came in a tar.")).toBeVisible();
  rmSync(folder, { recursive: true, force: true });
});

test("a viewer reads skills, and is told why none can be published", async ({ page, server }) => {
  await signIn(page, await person(server, "viewer", "Vera"));
  await page.goto("/skills");
  await expect(page.getByText("Publishing and deleting skills takes the role of an admin.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Publish a skill" })).toBeHidden();
  await page.getByRole("link", { name: /word-count/ }).click();
  await expect(page.getByText("Counts lines, words and characters, as a table")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete" })).toBeHidden();
  await page.goto("/skills/new");
  await page.getByRole("radio", { name: "Write it here" }).check();
  await expect(page.getByRole("button", { name: "Publish", exact: true })).toBeDisabled();
});

test("the pages of skills fit a phone", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  await page.goto("/skills");
  const skill = page.getByRole("link", { name: /word-count/ });
  await expect(skill).toBeVisible();
  const fits = async () =>
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await fits();
  await skill.click();
  await expect(page.getByText(/^sha256:/)).toBeVisible();
  await fits();
  await expectAccessible(page);
  await page.goto("/skills/new");
  await expect(page.getByRole("heading", { name: "Publish a skill" })).toBeVisible();
  await fits();
  await expectAccessible(page);
});

import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { fresh, person } from "./work";

watched();

const schema = {
  type: "object",
  properties: { thing: { type: "string", description: "what to look up" } },
  required: ["thing"],
  additionalProperties: false,
};

test("tools are listed with what they do; one says its arguments, its agents and its calls", async ({
  page,
  server,
}) => {
  await server.call("POST", "/v1/tools/file.read/invoke", {
    arguments: { path: "notes/todo.md" },
    workspace: "demo",
  });
  await signIn(page);
  await page.goto("/tools");
  const rows = page.getByRole("list", { name: "Tools" }).getByRole("link");
  await expect(rows.filter({ hasText: "file.write" })).toContainText("Changes files of a workspace");
  await expectAccessible(page);
  await page.getByLabel("Kind").selectOption("HTTP");
  await expect(page).toHaveURL(/kind=http/);
  await expect(rows.filter({ hasText: "file.write" })).toHaveCount(0);
  await page.getByLabel("Kind").selectOption("Any kind");
  await page.keyboard.press("Escape");
  await page.getByLabel("Find a tool").fill("file.read");
  await rows.filter({ hasText: "file.read" }).first().click();
  await expect(page.getByRole("heading", { name: "file.read" })).toBeVisible();
  await expect(page.getByRole("row", { name: /^path/ })).toContainText("required");
  await expect(page.getByRole("list", { name: "Agents that may ask for it" })).toContainText("demo");
  const calls = page.getByRole("list", { name: "Recent calls" });
  await expect(calls.getByRole("link").first()).toContainText("notes/todo.md");
  await expectAccessible(page);
  await page.getByRole("button", { name: "As JSON Schema" }).click();
  await expect(page.getByRole("group", { name: "As JSON Schema" })).toContainText('"offset"');
  await page.getByRole("tab", { name: "What policies say" }).click();
  await page.getByLabel("Arguments, as JSON").fill('{"path": ".git/config"}');
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await expect(page.getByText("demo#keep-out", { exact: true })).toBeVisible();
  await expectAccessible(page);
});

test("a tool is called from a form, for real: what it gave, and what waits for a yes", async ({ page }) => {
  await signIn(page);
  await page.goto("/tools/file.read?tab=try");
  await expect(page.getByText("This calls the tool for real, as you")).toBeVisible();
  await page.getByLabel("limit").fill("many");
  await page.getByRole("button", { name: "Call it" }).click();
  await expect(page.getByText("A number is needed here.")).toBeVisible();
  await page.getByLabel("limit").fill("");
  await page.getByLabel("path").fill("notes/todo.md");
  await page.getByLabel("Workspace", { exact: true }).fill("demo");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Call it" }).click();
  const confirm = page.getByRole("dialog", { name: "Call file.read for real?" });
  await expect(confirm).toContainText("recorded under your name");
  await expect(confirm.getByRole("group", { name: "Arguments, as JSON" })).toContainText("notes/todo.md");
  await expectAccessible(page);
  await confirm.getByRole("button", { name: "Call it" }).click();
  await expect(page.getByText("Succeeded").first()).toBeVisible();
  await expect(page.getByRole("group", { name: "What came of it" })).toContainText("To do");
  await expect(page.getByRole("link", { name: "Open the run" })).toBeVisible();
  await expectAccessible(page);

  await page.goto("/tools/file.write?tab=try");
  await page.getByRole("button", { name: "As JSON" }).click();
  const path = `notes/${fresh("tried")}.md`;
  await page.getByLabel("Arguments, as JSON").fill("{");
  await expect(page.getByRole("button", { name: "Call it" })).toBeDisabled();
  await page.getByLabel("Arguments, as JSON").fill(JSON.stringify({ path, content: "tried" }));
  await page.getByRole("button", { name: "As fields" }).click();
  await expect(page.getByLabel("path")).toHaveValue(path);
  await page.getByLabel("Workspace", { exact: true }).fill("demo");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Call it" }).click();
  await expect(page.getByText("A person has to say yes first.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Approve once" }).click();
  await expect(page.getByText("Succeeded").first()).toBeVisible();
});

test("an HTTP tool is made, called, changed and removed", async ({ page, server }) => {
  const name = fresh("lookup");
  const secret = fresh("token");
  await server.call("POST", "/v1/secrets", { name: secret, value: "a value that nobody sees" });
  await signIn(page);
  await page.goto("/tools");
  await expect(page.getByRole("link", { name: "New HTTP tool" })).toBeVisible();
  await page.keyboard.press("n");
  await page.getByLabel("Name").fill("two words");
  await page.getByLabel("URL").fill("{host}/x");
  await page.getByRole("button", { name: "Make the tool" }).click();
  await expect(page.getByText("1 to 128 letters")).toBeVisible();
  await expect(page.getByText("An absolute URL is needed")).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Description").fill("Looks something up on this server.");
  await page.getByLabel("URL").fill(`${server.url}/{thing}`);
  await expect(page.getByText("The URL names {thing}")).toBeVisible();
  await page.getByLabel("Arguments, as JSON Schema").fill(JSON.stringify(schema));
  await expect(page.getByText(`Policies decide on requests to ${new URL(server.url).host}.`)).toBeVisible();
  await expect(page.getByRole("link", { name: "To the secrets" })).toHaveAttribute(
    "href",
    "/settings/secrets",
  );
  await page.getByRole("button", { name: "Add a header" }).click();
  await page.getByLabel("Header", { exact: true }).fill("x-token");
  await page.getByLabel("Secret", { exact: true }).selectOption(secret);
  await expect(page.getByText(`secrets grant NAME --tool ${name}`)).toBeVisible();
  await page.getByRole("button", { name: "Remove the header x-token" }).click();
  await page.getByRole("button", { name: "Make the tool" }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(page.getByText(`GET${server.url}/{thing}`)).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Try it" }).click();
  await page.getByLabel("thing").fill("livez");
  await page.getByRole("button", { name: "Call it" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Call it" }).click();
  await page.getByRole("button", { name: "Approve once" }).click();
  await expect(page.getByText("Succeeded").first()).toBeVisible();
  await expect(page.getByRole("group", { name: "What came of it" })).toContainText("200");

  await page.getByRole("link", { name: "Edit" }).click();
  await expect(page.getByLabel("URL")).toHaveValue(`${server.url}/{thing}`);
  await expect(page.getByText("The headers that it has are not shown.")).toBeVisible();
  await page.getByLabel("Method").selectOption("HEAD");
  await expect(page.getByText("Not saved")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Method")).toHaveValue("HEAD");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Save as the next version" }).click();
  await expect(page.getByText(`${name}, version 2, is in force`)).toBeVisible();
  const versions = page.getByRole("list", { name: "Versions" });
  await expect(versions.getByRole("listitem")).toHaveCount(2);
  await expect(versions.getByRole("listitem").first()).toContainText("HEAD");

  const agent = fresh("caller");
  await server.call("POST", "/v1/agents", { name: agent, planner: "rules", tools: [name] });
  await expect(page.getByRole("list", { name: "Agents that may ask for it" })).toContainText(agent);
  await page.getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("dialog")).toContainText(agent);
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(page).toHaveURL(/\/tools$/);
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeHidden();
  await page.goto(`/tools/${name}`);
  await expect(page.getByText("There is no such tool")).toBeVisible();
});

test("a viewer reads tools, and is told why none can be called or changed", async ({ page, server }) => {
  const name = fresh("shown");
  const url_template = `${server.url}/{thing}`;
  await server.call("POST", `/v1/tools/http/${name}`, { url_template, schema });
  await signIn(page, await person(server, "viewer", "Vera"));
  await page.goto("/tools");
  await expect(page.getByText("Making and changing tools takes the role of an admin.")).toBeVisible();
  await expect(page.getByRole("link", { name: "New HTTP tool" })).toBeHidden();
  await page.goto(`/tools/${name}`);
  await expect(page.getByRole("row", { name: /^thing/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "Edit" })).toBeHidden();
  await page.getByRole("tab", { name: "Try it" }).click();
  await expect(page.getByText("Calling tools takes the role of a member.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Call it" })).toBeDisabled();
});

test("the pages of tools fit a phone", async ({ page, server }) => {
  const name = fresh("small");
  const url_template = `${server.url}/a/very/long/address/that/goes/on/and/on/{thing}`;
  await server.call("POST", `/v1/tools/http/${name}`, { url_template, schema });
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  for (const path of ["", `/${name}`, `/${name}?tab=policies`, `/${name}?tab=try`, `/${name}/edit`]) {
    await page.goto(`/tools${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await expectAccessible(page);
  }
});

import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { apiKey, ask } from "./models";
import { join } from "./people";

watched();

test("from no provider to the first call: key, test, profile, and the lines to copy", async ({
  page,
  server,
}) => {
  // An organisation of its own has nothing yet.
  const name = `Fresh ${crypto.randomUUID().slice(0, 8)}`;
  await signIn(page);
  await page.goto("/models");
  await page.getByRole("button", { name: /^Switch organisation/ }).click();
  await page.getByRole("menuitem", { name: "New organisation" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("button", { name: `Switch organisation: ${name}` })).toBeVisible();
  await page.goto("/models?view=profiles");
  await expect(page.getByText("First add a provider")).toBeVisible();
  await page.getByRole("link", { name: "To the providers" }).click();
  await expect(page.getByRole("heading", { name: "No provider yet" })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "New provider" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Type").selectOption("openai_compatible");
  await dialog.getByLabel("Name").fill("my box");
  await dialog.getByRole("button", { name: "Add provider" }).click();
  await expect(dialog.getByText("Only letters, digits")).toBeVisible();
  await expect(dialog.getByText(/^Write where it is/)).toBeVisible();
  await expectAccessible(page);
  await dialog.getByLabel("Name").fill("box");
  await dialog.getByLabel("Address").fill("http://127.0.0.1:9/v1");
  await dialog.getByLabel("Key", { exact: true }).fill("sk-not-to-be-seen-again");
  await dialog.getByRole("button", { name: "Add provider" }).click();
  await expect(page.getByRole("heading", { name: "box" })).toBeVisible();
  await expect(page.getByRole("link", { name: "box-key" })).toBeVisible();
  expect(await page.content()).not.toContain("sk-not-to-be-seen-again");

  // Nothing listens there: the step that failed is named, with what to do.
  await page.getByRole("button", { name: "Test" }).click();
  const steps = page.getByRole("list", { name: "Steps of the test" });
  await expect(steps.getByRole("listitem").filter({ hasText: "takes the connection" })).toContainText(
    "failed",
  );
  await expect(steps.getByRole("listitem").filter({ hasText: "It takes the key" })).toContainText(
    "not tried",
  );
  await expect(page.getByText("Check whether the server is up, and scheme, host and port.")).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("link", { name: "Providers" }).click();
  await page.getByRole("button", { name: "New provider" }).click();
  await dialog.getByLabel("Type").selectOption("scripted");
  await dialog.getByLabel("Name").fill("stage");
  await dialog.getByLabel("Script").fill("{");
  await dialog.getByRole("button", { name: "Add provider" }).click();
  await expect(dialog.getByText("This is no JSON object.")).toBeVisible();
  await dialog.getByLabel("Script").fill('{"rules": [{"steps": [{"say": "So it is."}]}]}');
  await dialog.getByRole("button", { name: "Add provider" }).click();
  await page.getByLabel("Model, if one is to answer").fill("any");
  await page.getByRole("button", { name: "Test" }).click();
  await expect(page.getByText(/^Works,/)).toBeVisible();

  await page.goto("/models?view=profiles");
  await page.getByRole("button", { name: "New profile" }).click();
  await dialog.getByRole("button", { name: "Make profile" }).click();
  await expect(dialog.getByText("This is needed.").first()).toBeVisible();
  await dialog.getByLabel("Name").fill("main");
  await dialog.getByLabel("Provider").selectOption("box");
  await dialog.getByLabel("Model", { exact: true }).fill("gone");
  await dialog.getByRole("button", { name: "Add a model" }).click();
  const second = dialog.getByRole("listitem").nth(1);
  await second.getByLabel("Provider").selectOption("stage");
  await second.getByLabel("Model", { exact: true }).fill("any");
  await dialog.getByRole("button", { name: "Move any up" }).click();
  await dialog.getByLabel("Dollars a day").fill("2.50");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Make profile" }).click();
  await expect(page.getByRole("heading", { name: "main", exact: true })).toBeVisible();
  const targets = page.getByRole("list", { name: "Models" }).getByRole("listitem");
  await expect(targets.first()).toContainText("stage/any");
  await expect(targets.nth(1)).toContainText("fallback 1");
  await expect(page.getByText("In a day: $2.50")).toBeVisible();
  const lines = page.getByRole("group", { name: "What to run" });
  await expect(lines).toContainText(`${server.url}/gateway/openai/v1/chat/completions`);
  await page.getByRole("button", { name: "Python, Anthropic" }).click();
  await expect(lines).toContainText('model="main"');
  await expectAccessible(page);
});

test("a profile is changed under somebody's hands, and a provider in use stays", async ({ page, server }) => {
  const say = { rules: [{ steps: [{ say: "Yes." }] }] };
  const made = await server.call<{ id: string }>("POST", "/v1/providers", {
    type: "scripted",
    name: "kept",
    script: say,
  });
  const profile = await server.call<{ id: string }>("POST", "/v1/model-profiles", {
    name: "kept",
    targets: [{ provider_id: made.id, model: "a" }],
    price: { input_usd_micros: 1, output_usd_micros: 2, cache_write_usd_micros: 3 },
  });
  const key = await apiKey(server, "Kept");
  expect(await ask(server, key.key, "kept")).toBe(200);
  await signIn(page);
  await page.goto(`/models/providers/${made.id}`);
  await page.getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("Profiles lead to it")).toBeVisible();
  await dialog.getByRole("link", { name: "kept" }).click();
  await expect(page.getByText("No agent uses it yet.")).toBeVisible();

  await page.getByRole("button", { name: "Change" }).click();
  await dialog.getByLabel("Description").fill("for clerks");
  await server.call("PATCH", `/v1/model-profiles/${profile.id}`, { description: "for all" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("Somebody changed it meanwhile")).toBeVisible();
  await expect(dialog.getByLabel("Description")).toHaveValue("for clerks");
  await dialog.getByRole("button", { name: "Put mine in its place" }).click();
  await expect(page.getByText("for clerks")).toBeVisible();
  const { price } = await server.call<{ price: object }>("GET", `/v1/model-profiles/${profile.id}`);
  expect(price).toMatchObject({ cache_write_usd_micros: 3 });

  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/view=profiles/);
  await expect(page.getByRole("link", { name: /^kept/ })).toBeHidden();
  await page.goto(`/models/providers/${made.id}`);
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/models$/);
});

test("what is kept of calls is chosen by admins; members look, viewers are told why not", async ({
  page,
  server,
}) => {
  await signIn(page);
  await page.goto("/models?view=settings");
  await page.getByRole("radio", { name: /^Fingerprints/ }).check();
  const recording = () =>
    server.call<{ recording: string }>("GET", "/v1/model-settings").then((it) => it.recording);
  await expect.poll(recording).toBe("digests");
  await page.getByRole("radio", { name: /^Everything/ }).check();
  await expect.poll(recording).toBe("full");
  await expectAccessible(page);

  await page.evaluate(() => localStorage.clear());
  await page.context().clearCookies();
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, await join(server, "member", "Mia"));
  await page.goto("/models?view=settings");
  await expect(page.getByText("needs the role of an admin")).toBeVisible();
  await expect(page.getByRole("radio", { name: /^Nothing/ })).toBeDisabled();
  await page.goto("/models");
  await expect(page.getByRole("list", { name: "Providers" })).toBeVisible();
  await expect(page.getByRole("button", { name: "New provider" })).toBeHidden();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await expectAccessible(page);

  await page.evaluate(() => localStorage.clear());
  await page.context().clearCookies();
  await signIn(page, await join(server, "viewer", "Vera"));
  await page.goto("/models");
  await expect(page.getByRole("heading", { name: "Models are for members" })).toBeVisible();
  await expectAccessible(page);
});

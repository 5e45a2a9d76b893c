import { randomUUID } from "node:crypto";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { priced } from "./models";
import { join } from "./people";
import { runOf } from "./work";

watched();

test("the palette finds things of every kind by name, and a pasted id leads to its page", async ({
  page,
  server,
}) => {
  const word = `zebra${randomUUID().slice(0, 6)}`;
  const { items } = await server.call<{ items: { id: string }[] }>("GET", "/v1/agents");
  await server.call("POST", "/v1/sessions", { title: `${word} chat`, agent_ids: [items[0]?.id] });
  await server.call("POST", "/v1/secrets", { name: `${word}-token`, value: "hush" });
  await join(server, "viewer", `${word} Person`);
  await priced(server, `${word}-model`);
  const run = await runOf(server, `write notes/${word}.md: "x"`);
  await signIn(page);
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  await page.keyboard.press("ControlOrMeta+k");
  const palette = page.getByRole("dialog", { name: "Command palette" });
  await page.keyboard.type(word);
  for (const heading of [
    "Chats",
    "Model providers",
    "Model profiles",
    "Secrets",
    "Members",
    "Requests",
    "In messages",
  ])
    await expect(palette.getByText(heading, { exact: true })).toBeVisible();
  await expectAccessible(page);
  await palette.getByRole("option", { name: `${word} chat` }).click();
  await expect(page.getByRole("heading", { name: `${word} chat` })).toBeVisible();
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type(run);
  await expect(palette.getByRole("option", { name: `Run ${run}` })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/runs/${run}`));
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("#3");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/record\/3$/);
});

test("the search page has everything that fits, by the keyboard, and keeps it in the address", async ({
  page,
  server,
}) => {
  const word = `okapi${randomUUID().slice(0, 6)}`;
  const { items } = await server.call<{ items: { id: string }[] }>("GET", "/v1/agents");
  for (const at of [1, 2, 3, 4, 5, 6, 7])
    await server.call("POST", "/v1/sessions", { title: `${word} ${at}`, agent_ids: [items[0]?.id] });
  await runOf(server, `read ${word}.md`);
  await signIn(page);
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type(word);
  await page.getByRole("option", { name: `All results for “${word}”` }).click();
  await expect(page).toHaveURL(new RegExp(`/search\\?q=${word}`));
  await expect(page.getByRole("list", { name: "Chats" }).getByRole("listitem")).toHaveCount(7);
  await expect(page.getByRole("list", { name: "In messages" })).toContainText(word);
  await expectAccessible(page);
  await page.getByLabel("Search everything").press("ArrowDown");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: new RegExp(word) })).toBeVisible();
  await page.goBack();
  await expect(page.getByLabel("Search everything")).toHaveValue(word);
  await page.getByLabel("Search everything").fill(`${word}nothing`);
  await expect(page.getByRole("heading", { name: /Nothing is called/ })).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByLabel("Search everything").fill(word);
  await expect(page.getByRole("list", { name: "Chats" })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

/** What can be done with messages and chats beside asking and reading. */
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { thinker } from "./provider";
import { chatWith, fresh, person } from "./work";

watched();

/** One red pixel. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);

const messages = (page: Page) => page.getByRole("list", { name: "Messages" });
const of = (page: Page, who: string) => messages(page).getByRole("listitem", { name: who, exact: true });

async function say(page: Page, text: string) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

test("files go with a message: a picture is shown, and each comes back as it was", async ({
  page,
  server,
}) => {
  await signIn(page);
  await page.goto(`/chats/${await chatWith(server, "demo")}`);
  const text = "apples, pears\n12, 7\n";
  await page.locator("input[type=file]").setInputFiles([
    { name: "fruit.png", mimeType: "image/png", buffer: PICTURE },
    { name: "fruit.csv", mimeType: "text/csv", buffer: Buffer.from(text) },
    { name: "mistake.txt", mimeType: "text/plain", buffer: Buffer.from("not this one") },
  ]);
  await page.getByRole("button", { name: "Remove mistake.txt" }).click();
  await expectAccessible(page);
  await say(page, "noop # with files");
  const mine = of(page, "Owner");
  const picture = mine.getByRole("img", { name: "fruit.png" });
  await expect(picture).toBeVisible();
  await expect.poll(() => picture.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBe(1);
  await expect(mine.getByRole("button", { name: /mistake/ })).toHaveCount(0);
  await expectAccessible(page);
  for (const [name, content] of [
    ["fruit.csv", Buffer.from(text)],
    ["fruit.png", PICTURE],
  ] as const) {
    const download = page.waitForEvent("download");
    await mine.getByRole("button", { name: new RegExp(name.replace(".", "\\.")) }).click();
    expect((await download).suggestedFilename()).toBe(name);
    expect(readFileSync(await (await download).path()).equals(content)).toBe(true);
  }
});

test("an answer is given again on a branch of its own, and both are kept", async ({ page, server }) => {
  const name = fresh("again");
  const { agentId, provider } = await thinker(server, name);
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", {
    title: name,
    agent_ids: [agentId],
  });
  await signIn(page);
  await page.goto(`/chats/${session.id}`);
  await say(page, "Pick a fruit");
  const first = await provider.asked();
  first.say("An apple.");
  first.end();
  await expect(of(page, name)).toContainText("An apple.");
  await of(page, name).getByRole("button", { name: "Answer again" }).click();
  const second = await provider.asked();
  second.say("A pear.");
  second.end();
  await expect(of(page, name)).toContainText("A pear.");
  await expect(messages(page)).not.toContainText("An apple.");
  await expectAccessible(page);
  await of(page, name).getByRole("button", { name: "Alternative before" }).click();
  await expect(of(page, name)).toContainText("An apple.");
  await page.reload();
  await expect(of(page, name)).toContainText("An apple.");
  await of(page, name).getByRole("button", { name: "Next alternative" }).click();
  await expect(of(page, name)).toContainText("A pear.");
  await provider.close();
});

test("a running answer is steered, and what is said instead ends it", async ({ page, server }) => {
  const name = fresh("steered");
  const { agentId, provider } = await thinker(server, name);
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", {
    title: name,
    agent_ids: [agentId],
  });
  await signIn(page);
  await page.goto(`/chats/${session.id}`);
  await say(page, "Write about fruit");
  const first = await provider.asked();
  first.say("Apples are");
  await expect(messages(page)).toContainText("Apples are");
  const busy = page.getByRole("combobox", { name: "While an agent is at work" });
  await busy.selectOption("Steer now");
  await expectAccessible(page);
  await say(page, "Rather about pears");
  await expect(messages(page)).toContainText("Rather about pears");
  first.end();
  const second = await provider.asked();
  expect(second.question).toContain("Rather about pears");
  second.say("Pears are green.");
  await expect(messages(page)).toContainText("Pears are green.");
  await busy.selectOption("Instead");
  await say(page, "Say only: plums");
  const third = await provider.asked();
  expect(third.question).toContain("Say only: plums");
  third.say("Plums.");
  third.end();
  await expect(of(page, name).last()).toContainText("Plums.");
  await expect(page.getByRole("button", { name: "Stop" })).toBeHidden();
  await provider.close();
});

test("who takes part is changed, and a chat is called otherwise", async ({ page, server }) => {
  const carol = await person(server, "member", fresh("Carol"));
  const id = await chatWith(server, "demo", fresh("before"));
  const members = async () =>
    (await server.call<{ items: { user_id: string }[] }>("GET", `/v1/sessions/${id}/members`)).items.map(
      (it) => it.user_id,
    );
  await signIn(page);
  await page.goto(`/chats/${id}`);
  const more = page.getByRole("button", { name: "More about this chat" });
  await more.click();
  await page.getByRole("menuitem", { name: "Who takes part" }).click();
  const dialog = page.getByRole("dialog", { name: "Who takes part" });
  // A tick shows when it holds.
  await dialog.getByRole("checkbox", { name: carol.name }).click();
  await expect(dialog.getByRole("checkbox", { name: carol.name })).toBeChecked();
  await expect.poll(members).toContain(carol.id);
  await dialog.getByRole("checkbox", { name: "guide" }).click();
  await expect(dialog.getByRole("checkbox", { name: "guide" })).toBeChecked();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByText("demo, guide", { exact: true })).toHaveCount(2);
  // Who takes part can be mentioned.
  const composer = page.getByLabel("Message", { exact: true });
  await composer.pressSequentially("@car");
  await expect(page.getByRole("option", { name: /@carol/ })).toBeVisible();
  await page.keyboard.press("Escape");
  await composer.fill("");
  await more.click();
  await page.getByRole("menuitem", { name: "Who takes part" }).click();
  await dialog.getByRole("checkbox", { name: carol.name }).click();
  await expect.poll(members).not.toContain(carol.id);
  await dialog.getByRole("checkbox", { name: "guide" }).click();
  await expect(dialog.getByRole("checkbox", { name: "guide" })).not.toBeChecked();
  await page.keyboard.press("Escape");
  await expect(page.getByText("demo, guide", { exact: true })).toHaveCount(0);

  const title = fresh("after");
  await more.click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  const rename = page.getByRole("dialog", { name: "Rename" });
  await expectAccessible(page);
  await rename.getByLabel("Title").fill(title);
  await rename.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { name: title })).toBeVisible();
  await expect(page.getByRole("link", { name: title })).toBeVisible();
});

test("an answer says what was read for it, and a reaction comes and goes", async ({ page, server }) => {
  await signIn(page);
  await page.goto(`/chats/${await chatWith(server, "demo")}`);
  await say(page, "read notes/todo.md");
  const answer = of(page, "demo");
  await expect(answer.getByText("Read for it:")).toContainText("notes/todo.md");
  await answer.getByRole("button", { name: "React" }).click();
  await page.getByRole("menuitem", { name: "👍" }).click();
  const mine = answer.getByRole("button", { name: "👍 1, with yours" });
  await expect(mine).toHaveAttribute("aria-pressed", "true");
  await expectAccessible(page);
  await mine.click();
  await expect(mine).toBeHidden();
});

test("what was said while one was offline is there afterwards", async ({ page, context, server, watch }) => {
  watch.allow(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_INCOMPLETE_CHUNKED|ERR_FAILED/);
  const id = await chatWith(server, "demo");
  await signIn(page);
  await page.goto(`/chats/${id}`);
  await say(page, "noop # before");
  await expect(of(page, "demo")).toHaveCount(1);
  await context.setOffline(true);
  await expect(page.getByText("You are offline")).toBeVisible();
  await server.call("POST", `/v1/sessions/${id}/messages`, { content: "noop # meanwhile" });
  await context.setOffline(false);
  await expect(page.getByText("You are offline")).toBeHidden();
  await expect(messages(page)).toContainText("meanwhile");
  await expect(of(page, "demo")).toHaveCount(2);
  await say(page, "noop # after");
  await expect(of(page, "demo")).toHaveCount(3);
});

test("an answer that a dying server was streaming is given after its restart", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(
    /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_SOCKET/,
  );
  const name = fresh("survivor");
  const { agentId, provider } = await thinker(server, name);
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", {
    title: name,
    agent_ids: [agentId],
  });
  await signIn(page);
  await page.goto(`/chats/${session.id}`);
  await say(page, "Tell me a story");
  (await provider.asked()).say("Once upon a time");
  await expect(messages(page)).toContainText("Once upon a time");
  await server.restart();
  const again = await provider.asked();
  again.say("Long ago");
  await expect(messages(page)).toContainText("Long ago", { timeout: 30_000 });
  again.say(" there was a chancery.");
  again.end();
  await expect(of(page, name)).toContainText("Long ago there was a chancery.", { timeout: 30_000 });
  await expect(messages(page)).not.toContainText("Once upon a time");
  await expect(page.getByRole("button", { name: "Stop" })).toBeHidden();
  await provider.close();
});

test("a viewer reads a chat, and neither writes in it nor answers for it", async ({ page, server }) => {
  const vera = await person(server, "viewer", fresh("Vera"));
  const id = await chatWith(server, "demo");
  await server.call("POST", `/v1/sessions/${id}/messages`, { content: 'write notes/vera.md: "x"' });
  await signIn(page, vera);
  await page.goto(`/chats/${id}`);
  const asked = page.getByRole("region", { name: /Waits for a person: file\.write notes\/vera\.md/ });
  await expect(asked).toContainText("Your role reads; a member answers requests.");
  await expect(page.getByText("Your role reads; a member writes.")).toBeVisible();
  await expectAccessible(page);
  for (const name of [/Approve/, /Deny/, "Stop", "Send", "Edit", "React", "More about this chat"]) {
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  }
});

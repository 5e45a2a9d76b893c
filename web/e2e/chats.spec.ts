import type { Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { thinker } from "./provider";
import { chatWith, fresh } from "./work";

watched();

async function say(page: Page, text: string) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

const messages = (page: Page) => page.getByRole("list", { name: "Messages" });

test("a new chat: an answer, and the steps that led to it", async ({ page }) => {
  await signIn(page);
  await page.goto("/chats");
  await page.getByRole("button", { name: "New chat" }).first().click();
  const dialog = page.getByRole("dialog", { name: "A new chat" });
  await expect(dialog.getByText("Follows instructions to the letter")).toBeVisible();
  await expectAccessible(page);
  for (const box of await dialog.getByRole("checkbox").all()) await box.uncheck();
  await dialog.getByRole("checkbox", { name: /^demo/ }).check();
  await dialog.getByRole("button", { name: "Start" }).click();
  await expect(page.getByText("This agent follows steps to the letter")).toBeVisible();
  await expectAccessible(page);

  const composer = page.getByLabel("Message", { exact: true });
  await composer.pressSequentially("@de");
  await expect(page.getByRole("option", { name: /@demo/ })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Enter");
  await expect(composer).toHaveValue("@demo ");
  await composer.pressSequentially("read notes/todo.md");
  await page.keyboard.press("Enter");
  await expect(composer).toHaveValue("");
  const answer = messages(page).getByRole("listitem", { name: "demo" });
  await expect(answer).toContainText("To do this week");
  // Nobody named the chat, so it is called by what was said first.
  await expect(page.getByRole("heading", { name: "read notes/todo.md" })).toBeVisible();
  await answer.getByRole("button", { name: /^(1 step|Steps)$/ }).click();
  await answer.getByText("file.read", { exact: true }).click();
  await expect(answer.getByText("Everything in the workspace may be read")).toBeVisible();
  await expect(answer.getByRole("group", { name: "Output" })).toContainText("To do this week");
  await expectAccessible(page);
});

test("what an agent writes streams in, also over a reload in the middle", async ({ page, server }) => {
  const { agentId, provider } = await thinker(server, fresh("thinker"));
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", {
    title: "Slowly",
    agent_ids: [agentId],
  });
  await signIn(page);
  await page.goto(`/chats/${session.id}`);
  await say(page, "Tell me slowly");
  const answer = await provider.asked();
  answer.say("Once upon **a time**");
  await expect(messages(page)).toContainText("Once upon a time");
  await page.reload();
  await expect(messages(page)).toContainText("Once upon a time");
  answer.say(" there was a chancery.");
  await expect(messages(page)).toContainText("Once upon a time there was a chancery.");
  await expect(page.getByRole("button", { name: "Stop" })).toBeVisible();
  answer.end();
  await expect(page.getByRole("button", { name: "Stop" })).toBeHidden();
  await expect(messages(page)).toContainText("9 tokens read, 3 written");
  await expect(messages(page).getByText("there was a chancery.")).toHaveCount(1);
  await provider.close();
});

test("what needs a yes is asked in the chat, and a run is stopped", async ({ page, server }) => {
  const path = `notes/${fresh("chat")}.md`;
  await signIn(page);
  await page.goto(`/chats/${await chatWith(server, "demo")}`);
  await say(page, `write ${path}: "from a chat"`);
  const request = page.getByRole("region", { name: new RegExp(`Waits for a person: file.write ${path}`) });
  await expect(request).toContainText("from a chat");
  await expectAccessible(page);
  await request.getByRole("button", { name: "Approve once" }).click();
  await expect(messages(page)).toContainText('"created":true');

  await say(page, "wait 1h");
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("button", { name: /^Stop/ })).toBeHidden();
});

test("two people see each other, and each other's words", async ({ page, server, browser, baseURL }) => {
  const bob = { email: `${fresh("bob")}@example.com`, password: "correct horse battery staple" };
  const { token } = await server.call<{ token: string }>("POST", "/v1/invitations", {
    email: bob.email,
    role: "member",
  });
  await server.call("POST", "/v1/auth/register", { ...bob, name: "Bob Kahn", invitation_token: token });
  const id = await chatWith(server, "demo");
  await signIn(page);
  await page.goto(`/chats/${id}`);
  const elsewhere = await browser.newContext({ baseURL: baseURL ?? "" });
  const theirs = await elsewhere.newPage();
  await signIn(theirs, bob);
  await theirs.goto(`/chats/${id}`);
  await expect(page.getByRole("img", { name: "Here now: Bob Kahn" })).toBeVisible();
  await theirs.getByLabel("Message", { exact: true }).pressSequentially("noop");
  await expect(page.getByText("Bob Kahn writes…")).toBeVisible();
  await theirs.keyboard.press("Enter");
  await expect(messages(page).getByRole("listitem", { name: "Bob Kahn" })).toContainText("noop");
  const theirMessage = messages(page).getByRole("listitem", { name: "Bob Kahn" });
  await theirMessage.hover();
  await theirMessage.getByRole("button", { name: "React" }).click();
  await page.getByRole("menuitem", { name: "🎉" }).click();
  await expect(messages(theirs).getByRole("button", { name: "🎉 1" })).toBeVisible();
  await elsewhere.close();
  await expect(page.getByRole("img", { name: /Here now/ })).toBeHidden();
});

test("a message is said differently on a branch of its own, and the other is still there", async ({
  page,
  server,
}) => {
  await signIn(page);
  await page.goto(`/chats/${await chatWith(server, "demo")}`);
  await say(page, "list notes");
  await expect(messages(page)).toContainText("todo.md");
  const mine = messages(page).getByRole("listitem", { name: "Owner" });
  await mine.hover();
  await mine.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Say it differently").fill("list docs");
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(messages(page)).toContainText("delivery.md");
  await expect(messages(page)).not.toContainText("todo.md");
  await expectAccessible(page);
  await mine.hover();
  await mine.getByRole("button", { name: "Alternative before" }).click();
  await expect(messages(page)).toContainText("todo.md");
});

test("what an agent wrote on another branch does not stay behind as if it were writing", async ({
  page,
  server,
}) => {
  const { agentId, provider } = await thinker(server, fresh("thinker"));
  const chat = { title: fresh("branches"), agent_ids: [agentId] };
  const { id } = await server.call<{ id: string }>("POST", "/v1/sessions", chat);
  await signIn(page);
  await page.goto(`/chats/${id}`);
  await say(page, "first");
  const first = await provider.asked();
  first.say("Ghost words");
  await expect(messages(page)).toContainText("Ghost words");
  const mine = messages(page).getByRole("listitem", { name: "Owner" });
  await mine.hover();
  await mine.getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("Say it differently").fill("second");
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(messages(page)).toContainText("second");
  first.end();
  const second = await provider.asked();
  second.say("Living words");
  second.end();
  await expect(messages(page)).toContainText("9 tokens read, 3 written");
  await expect(messages(page)).toContainText("Living words");
  await expect(messages(page)).not.toContainText("Ghost words");
  await expect(page.getByRole("button", { name: "Stop" })).toBeHidden();
  await provider.close();
});

test("what is written is not lost: not when sending fails, nor in another chat, nor is it sent twice", async ({
  page,
  server,
  watch,
}) => {
  watch.allow(/status of 503.*messages/);
  const [here, there] = [fresh("here"), fresh("there")];
  const id = await chatWith(server, "demo", here);
  await chatWith(server, "demo", there);
  await signIn(page);
  await page.goto(`/chats/${id}`);
  const composer = page.getByLabel("Message", { exact: true });
  await composer.fill("noop # kept");
  await page.locator('input[type="file"]').setInputFiles({
    name: "plan.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("a plan"),
  });
  await expect(page.getByRole("button", { name: "Remove plan.txt" })).toBeVisible();
  await page.getByRole("link", { name: there }).click();
  await expect(page.getByRole("heading", { name: there })).toBeVisible();
  await expect(composer).toHaveValue("");
  await page.getByRole("link", { name: here }).click();
  await expect(composer).toHaveValue("noop # kept");
  await expect(page.getByRole("button", { name: "Remove plan.txt" })).toBeVisible();

  const posts = `**/v1/sessions/${id}/messages`;
  await page.route(posts, (route) =>
    route.request().method() === "POST" ? route.fulfill({ status: 503 }) : route.fallback(),
  );
  await composer.press("Enter");
  await expect(page.getByText("The message was not sent")).toBeVisible();
  await expect(composer).toHaveValue("noop # kept");
  await expect(page.getByRole("button", { name: "Remove plan.txt" })).toBeVisible();
  await page.unroute(posts);
  await composer.press("Enter");
  await composer.press("Enter");
  await expect(messages(page).getByRole("listitem", { name: "Owner" })).toHaveCount(1);
  await expect(messages(page)).toContainText("plan.txt");
  await expect(composer).toHaveValue("");
  const sent = await server.call<{ items: { content: string }[] }>("GET", `/v1/sessions/${id}/messages`);
  expect(sent.items.filter((it) => it.content === "noop # kept")).toHaveLength(1);
});

test("what fails where nothing stands to say it is said", async ({ page, server, watch }) => {
  watch.allow(/status of 500.*reactions/);
  await signIn(page);
  await page.goto(`/chats/${await chatWith(server, "demo")}`);
  await say(page, "noop");
  const mine = messages(page).getByRole("listitem", { name: "Owner" });
  await page.route("**/reactions/**", (route) => route.fulfill({ status: 500 }));
  await mine.hover();
  await mine.getByRole("button", { name: "React" }).click();
  await page.getByRole("menuitem", { name: "🎉" }).click();
  await expect(page.getByText("The reaction was not kept")).toBeVisible();
});

test("chats are found by their words, put away, and brought back", async ({ page, server }) => {
  const word = fresh("walrus").replace("-", "");
  const title = fresh("Filed");
  const id = await chatWith(server, "demo", title);
  await signIn(page);
  await page.goto(`/chats/${id}`);
  await say(page, `noop # ${word}`);
  await expect(messages(page)).toContainText(word);
  await expect(page.getByRole("button", { name: "Stop" })).toBeHidden();
  await page.goto("/chats");
  await page.getByLabel("Search in messages").fill(word);
  await page
    .getByRole("link", { name: new RegExp(word) })
    .first()
    .click();
  await expect(page.getByRole("heading", { name: title })).toBeVisible();
  await page.getByLabel("Search in messages").fill("");
  await page.goto("/start");
  await expect(page.getByRole("heading", { name: "Your first governed run" })).toBeVisible();
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type(word);
  const said = page.getByRole("option", { name: `noop # ${word}` }).first();
  await expect(said).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: title })).toBeVisible();
  await page.getByRole("button", { name: "More about this chat" }).click();
  await page.getByRole("menuitem", { name: "Archive" }).click();
  await expect(page.getByRole("heading", { name: "This chat is archived" })).toBeVisible();
  await page.getByRole("button", { name: "Archived" }).click();
  await expect(page.getByRole("link", { name: new RegExp(title) })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Restore" }).click();
  await expect(messages(page)).toContainText(word);
});

test("a server that restarts is waited for", async ({ page, server, watch }) => {
  watch.allow(
    /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_SOCKET/,
  );
  const id = await chatWith(server, "demo");
  await signIn(page);
  await page.goto(`/chats/${id}`);
  await expect(page.getByText("Say something")).toBeVisible();
  await server.restart();
  await server.call("POST", `/v1/sessions/${id}/messages`, { content: "noop # after the restart" });
  await expect(messages(page)).toContainText("after the restart", { timeout: 30_000 });
  await expect(page.getByText("Reconnecting…")).toBeHidden();
});

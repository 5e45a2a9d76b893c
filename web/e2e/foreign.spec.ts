/**
 * What people, agents, models, tools and addresses say is text, wherever it is shown. The content policy is switched
 * off here, so that what holds is how the app shows text, and not what the browser would have refused; a test at
 * the end looks at the policy alone.
 */
import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, signIn, test, watched } from "./fixtures";
import { thinker } from "./provider";
import type { Server } from "./server";
import { type Canary, canary, MARKDOWN, MARKUP, NAMES, NAUGHTY, notInert, TRICKS } from "./tricks";
import { agentNamed, person, requestOf, runOf, settled } from "./work";

test.use({ place: "foreign", bypassCSP: true });
watched();

const IMG = "<img src=x onerror=canary()>";
const SVG = "<svg/onload=canary()>";
const ALL = `${TRICKS}\n\n${NAUGHTY.join("\n\n")}`;

let heard: Canary;
test.beforeEach(async ({ page }) => {
  heard = await canary(page);
});

/** Nothing became more than text, nothing ran, and the page still does what pages do. */
async function expectHarmless(page: Page) {
  expect(await notInert(page)).toEqual([]);
  expect(heard.sung).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1440);
  const palette = page.getByRole("dialog", { name: "Command palette" });
  await page.keyboard.press("ControlOrMeta+k");
  await expect(palette).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
}

/** One quotation of the planner's language. */
const quoted = (text: string) =>
  `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;

const messages = (page: Page) => page.getByRole("list", { name: "Messages" });
const has = (page: Page, text: string) => expect(page.getByText(text, { exact: true }).first()).toBeVisible();

test("in chats: what people and agents say, what they are called, and what is cited", async ({
  page,
  server,
}) => {
  const { agentId, provider } = await thinker(server, "mallory", IMG);
  const mallory = await person(server, "member", `Mallory ${SVG}`);
  const title = `${IMG} ${randomUUID().slice(0, 8)}`;
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", { title, agent_ids: [agentId] });
  await mallory.call("POST", `/v1/sessions/${session.id}/messages`, { content: ALL });
  const answer = await provider.asked();
  await signIn(page);
  await page.goto(`/chats/${session.id}`);
  await has(page, title);
  // While it streams, markup is cut anywhere.
  for (let at = 0; at < TRICKS.length; at += 61) answer.say(TRICKS.slice(at, at + 61));
  const writing = messages(page).getByRole("listitem", { name: `${IMG} is at work` });
  await expect(writing).toContainText("deep");
  await expect(writing.getByText("<script>canary()</script>", { exact: true }).first()).toBeVisible();
  await expectHarmless(page);
  answer.say(`\n\n${NAUGHTY.join("\n\n")}`);
  answer.cite([
    { url: "javascript:canary()", title: "script" },
    { url: "https://evil.example/cited", title: IMG },
    { url: "data:text/html,<script>canary()</script>", title: "data" },
  ]);
  answer.end();
  await expect(page.getByRole("button", { name: "Stop" })).toBeHidden();
  const theirs = messages(page).getByRole("listitem", { name: IMG });
  await expect(theirs).toContainText("Cites");
  await expect(theirs.getByRole("link", { name: IMG })).toHaveAttribute("href", "https://evil.example/cited");
  const mallorys = messages(page).getByRole("listitem", { name: `Mallory ${SVG}` });
  await expect(mallorys).toContainText("XSS");
  const hrefs = await messages(page)
    .getByRole("link")
    .evaluateAll((links) => links.map((it) => it.getAttribute("href") ?? ""));
  expect(hrefs.length).toBeGreaterThan(10);
  expect(hrefs.filter((it) => !/^(https?:\/\/|mailto:)/.test(it))).toEqual([]);
  await expectHarmless(page);
  await provider.close();
});

test("in files: their names, a picture with a script, and a page that calls itself a picture", async ({
  page,
  server,
}) => {
  const { agentId, provider } = await thinker(server, "filer");
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", {
    title: "Files",
    agent_ids: [agentId],
  });
  await signIn(page);
  await page.goto(`/chats/${session.id}`);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="canary()"><script>canary()</script></svg>';
  const html = "<script>canary()</script>";
  await page.locator("input[type=file]").setInputFiles([
    { name: `${IMG}.svg`, mimeType: "image/svg+xml", buffer: Buffer.from(svg) },
    { name: "page.png", mimeType: "image/png", buffer: Buffer.from(html) },
    { name: `"${SVG}.html`, mimeType: "text/html", buffer: Buffer.from(html) },
  ]);
  await expect(page.getByRole("button", { name: /^Remove/ })).toHaveCount(3);
  await expectHarmless(page);
  await page.getByLabel("Message", { exact: true }).fill("Look at these");
  await page.getByRole("button", { name: "Send" }).click();
  const answer = await provider.asked();
  const shown = messages(page).getByRole("button", { name: /svg|page\.png|html/ });
  await expect(shown).toHaveCount(3);
  const files = await server.call<{ items: { id: string; name: string }[] }>(
    "GET",
    `/v1/artifacts?session_id=${session.id}`,
  );
  expect(files.items).toHaveLength(3);
  // An agent may show what is stored here; none of these is a picture.
  answer.say(files.items.map((it) => `![${IMG}](/v1/artifacts/${it.id}/content)`).join("\n\n"));
  answer.end();
  await expect(messages(page).getByRole("listitem", { name: "filer" })).toContainText(IMG);
  await expectHarmless(page);
  const download = page.waitForEvent("download");
  await shown.filter({ hasText: ".html" }).click();
  expect((await download).suggestedFilename()).toMatch(/\.html$/);
  await expectHarmless(page);
  await provider.close();
});

/** Policies whose reasons, corrections and comments are tricks. */
async function nastyPolicy(server: Server) {
  const cedar = [
    "// <script>canary()</script>",
    `@id("ask")`,
    `@require_approval(${JSON.stringify(`${IMG} asks [x](javascript:canary())`)})`,
    `permit (principal, action == Chancery::Action::"file.write", resource in Chancery::Folder::"tricks");`,
    `@id("shut")`,
    `@reason(${JSON.stringify(`${SVG} is shut`)})`,
    `@suggested_fix(${JSON.stringify(`${IMG} helps, or <javascript:canary()>`)})`,
    `forbid (principal, action == Chancery::Action::"http.fetch", resource);`,
  ].join("\n");
  await server.call("PUT", "/v1/policies/tricks", { cedar, comment: `${IMG} ${TRICKS.slice(0, 3000)}` });
}

test("in requests, runs and the record: arguments, results, reasons, comments", async ({ page, server }) => {
  await nastyPolicy(server);
  const title = `${SVG} ${randomUUID().slice(0, 8)}`;
  const path = `tricks/${IMG}.md`;
  const content = [
    `write "${path}": ${quoted(ALL)}`,
    `read "${path}"`,
    `fetch http://127.0.0.1:9/${encodeURI(IMG)}?x=${encodeURIComponent(SVG)}`,
  ].join("; ");
  const run = await runOf(server, content, "demo", title);
  await settled(server, run, "waiting");
  const approval = await requestOf(server, run);
  await signIn(page);

  await page.goto(`/inbox/${approval}`);
  await expect(page.getByRole("heading", { name: path })).toBeVisible();
  await expect(page.getByText(`${IMG} asks [x](javascript:canary())`).first()).toBeVisible();
  await expect(page.getByRole("group", { name: "Exactly this will run" })).toContainText(MARKDOWN[0] ?? "");
  await expectHarmless(page);
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: /^Always/ }).click();
  await expect(page.getByRole("dialog")).toContainText(path);
  expect(await notInert(page)).toEqual([]);
  await page.keyboard.press("Escape");

  const { session_id } = await server.call<{ session_id: string }>("GET", `/v1/runs/${run}`);
  await page.goto(`/chats/${session_id}`);
  const asked = page.getByRole("region", { name: /Waits for a person: file\.write/ });
  await expect(asked).toContainText(MARKUP[1] ?? "");
  await expectHarmless(page);
  await asked.getByRole("button", { name: "Approve once" }).click();
  await settled(server, run, "failed");
  const answer = messages(page).getByRole("listitem", { name: "demo" });
  await answer.getByRole("button", { name: /steps?$/ }).click();
  for (const step of await answer.locator("details").all()) await step.locator("summary").click();
  await expect(answer).toContainText(`${SVG} is shut`);
  await expectHarmless(page);

  await page.goto(`/runs/${run}`);
  const steps = page.getByRole("list", { name: "Steps over time" }).getByRole("button");
  await expect(steps).toHaveCount(3);
  for (let at = 1; at <= 3; at += 1) {
    await page.goto(`/runs/${run}?step=${at}`);
    await expect(page.getByRole("complementary", { name: `Step ${at}` })).toContainText("Decision");
    await expectHarmless(page);
  }
  for (const tab of ["events", "answer"]) {
    await page.goto(`/runs/${run}?tab=${tab}`);
    await has(page, title);
    await expectHarmless(page);
  }
  await page.goto(`/runs/${run}/replay?mode=policies`);
  await page.getByLabel("Policy", { exact: true }).selectOption("tricks");
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  await expect(page.getByText("Nothing would have gone another way")).toBeVisible();
  await expectHarmless(page);
  await page.goto(`/runs/compare?a=${run}&b=${run}`);
  await expect(page.getByText("Step by step the same")).toBeVisible();
  await expectHarmless(page);
  await page.goto("/runs");
  await has(page, title);
  await expectHarmless(page);

  const ofRun = `/v1/audit/events?run_id=${run}&limit=200`;
  const { items } = await server.call<{ items: { seq: number; event: { kind: string } }[] }>("GET", ofRun);
  const telling = items.filter((it) => JSON.stringify(it).includes("canary"));
  const ofEachKind = new Map(telling.map((it) => [it.event.kind, it.seq]));
  expect(ofEachKind.size).toBeGreaterThan(1);
  for (const seq of ofEachKind.values()) {
    await page.goto(`/record/${seq}`);
    await expect(page.getByText("The root is signed by the log's key")).toBeVisible();
    await page.getByText("The whole event").click();
    await expectHarmless(page);
  }
  await page.goto(`/record?run=${run}`);
  await expect(page.getByRole("list", { name: "Record" })).toContainText(path);
  await expectHarmless(page);
});

test("in requests that are denied: the comment, and everything once more", async ({ page, server }) => {
  await nastyPolicy(server);
  const run = await runOf(server, `write "tricks/${SVG}.md": ${quoted(TRICKS)}`);
  await settled(server, run, "waiting");
  const approval = await requestOf(server, run);
  await server.call("POST", `/v1/approvals/${approval}/deny`, {
    comment: `${IMG} no ${TRICKS.slice(0, 2500)}`,
  });
  await settled(server, run, "failed");
  await signIn(page);
  await page.goto(`/inbox/${approval}?show=decided`);
  await expect(page.getByText(`${IMG} no`).first()).toBeVisible();
  await expectHarmless(page);
  await page.goto(`/runs/${run}`);
  await expect(page.getByRole("list", { name: "Steps over time" })).toBeVisible();
  await expectHarmless(page);
});

test("in policies: texts, reasons, comments, what a check and a simulation say", async ({ page, server }) => {
  await nastyPolicy(server);
  const run = await runOf(server, "noop");
  await settled(server, run, "succeeded");
  await signIn(page);
  await page.goto("/policies");
  await expect(page.getByRole("link", { name: /^tricks/ })).toBeVisible();
  await expectHarmless(page);
  await page.goto("/policies/tricks");
  const editor = page.getByRole("textbox", { name: "Text of the policy" });
  await expect(editor).toContainText("<script>canary()</script>");
  await expectHarmless(page);
  await page.getByRole("tab", { name: "Check", exact: true }).click();
  await page.getByLabel("Tool").selectOption("http.fetch");
  await page.getByLabel("Arguments, as JSON").fill('{"url": "http://127.0.0.1:9/<svg/onload=canary()>"}');
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await expect(page.getByText(`${SVG} is shut`).first()).toBeVisible();
  await expectHarmless(page);
  await page.getByRole("tab", { name: "Simulate" }).click();
  await editor.click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.insertText(
    `\n@id("none")\n@reason(${JSON.stringify(`${IMG} none`)})\nforbid (principal, action == Chancery::Action::"noop", resource);`,
  );
  await page.getByRole("button", { name: "Simulate" }).click();
  await expect(page.getByRole("list", { name: "Decisions that would be others" })).toContainText(
    `${IMG} none`,
  );
  await expectHarmless(page);
  await page.getByRole("tab", { name: "Changes" }).click();
  await expect(page.getByRole("group", { name: "What changes" })).toContainText(`${IMG} none`);
  await expectHarmless(page);
});

test("in names: of chats, agents, people and organisations, wherever they are chosen from", async ({
  page,
  server,
}) => {
  // The newest chats stand first: those whose titles are markup.
  for (const titles of [NAMES, MARKUP]) {
    const make = (title: string) => server.call("POST", "/v1/sessions", { title, agent_ids: [] });
    await Promise.all(titles.map((it) => make(it).catch(() => undefined)));
  }
  const some = NAMES.slice(0, 24);
  for (const [at, name] of some.entries()) {
    const agent = { name: `${at}${name}`, description: name, planner: "rules", tools: [], workspace: "demo" };
    await server.call("POST", "/v1/agents", agent);
  }
  for (const name of MARKUP.slice(0, 6)) await person(server, "member", name);
  const eve = await person(server, "admin", `Eve ${IMG}`);
  for (const name of [IMG, SVG]) await eve.call("POST", "/v1/orgs", { name });
  await signIn(page, eve);
  await page.goto("/chats");
  await expect(page.getByRole("link", { name: MARKUP[0] ?? "" }).first()).toBeVisible();
  await expect(page.getByRole("link", { name: /javascript|script/i }).first()).toBeVisible();
  await expectHarmless(page);

  await page.getByRole("button", { name: /Switch organisation/ }).click();
  await expect(
    page.getByRole("menuitemcheckbox", { name: new RegExp(`^${SVG.replace(/[()]/g, "\\$&")}`) }),
  ).toBeVisible();
  expect(await notInert(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: `Your account: Eve ${IMG}` }).click();
  expect(await notInert(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("onload=");
  await expect(page.getByRole("option", { name: SVG, exact: true }).first()).toBeVisible();
  expect(await notInert(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "New chat" }).first().click();
  const dialog = page.getByRole("dialog", { name: "A new chat" });
  await expect(dialog.getByRole("checkbox", { name: /^0</ })).toBeVisible();
  expect(await notInert(page)).toEqual([]);
  for (const box of await dialog.getByRole("checkbox").all()) await box.uncheck();
  await dialog.getByRole("checkbox", { name: /^0</ }).check();
  await dialog.getByRole("button", { name: "Start" }).click();
  await page.getByLabel("Message", { exact: true }).pressSequentially("@");
  await expect(page.getByRole("listbox")).toBeVisible();
  expect(await notInert(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByLabel("Message", { exact: true }).fill("");
  await page.getByRole("button", { name: "More about this chat" }).click();
  await page.getByRole("menuitem", { name: "Who takes part" }).click();
  await expect(page.getByRole("dialog")).toContainText(`Eve ${IMG}`);
  expect(await notInert(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.goto("/runs");
  await expect(page.getByRole("combobox", { name: "Agent" })).toContainText("<svg/onload");
  await expectHarmless(page);

  // An organisation whose name is a trick, as the one that one is in.
  await page.getByRole("button", { name: /Switch organisation/ }).click();
  await page.getByRole("menuitemcheckbox", { name: /^<img/ }).click();
  await expect(page.getByRole("button", { name: `Switch organisation: ${IMG}` })).toBeVisible();
  await page.goto("/start");
  await expect(page.getByRole("heading", { name: "Your first governed run" })).toBeVisible();
  await expectHarmless(page);
});

test("in addresses: of pages, of where to go next, behind the hash", async ({ page, server, watch }) => {
  watch.allow(/status of 4\d\d/);
  await agentNamed(server, "demo");
  await signIn(page);
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  const trick = encodeURIComponent(IMG);
  const addresses = [
    `/${trick}`,
    `/chats/${trick}`,
    `/runs/${trick}`,
    `/runs/${trick}/replay?mode=${trick}`,
    `/runs/compare?a=${trick}&b=${trick}`,
    `/runs?state=${trick}&agent=${trick}&session=${trick}`,
    `/inbox/${trick}?show=${trick}`,
    `/policies/${trick}`,
    `/record/${trick}`,
    `/record?kind=${trick}&actor=${trick}&tool=${trick}&run=${trick}&since=${trick}`,
    `/device?code=${trick}`,
    `/start?run=${trick}`,
    `/reset-password#token=${trick}`,
    `/invitation#token=${trick}`,
    `/chats#${trick}`,
  ];
  for (const address of addresses) {
    await page.goto(address);
    await expect(page.getByRole("heading").or(page.getByRole("alert")).first(), address).toBeVisible();
    expect(await notInert(page), address).toEqual([]);
  }
  expect(heard.sung).toEqual([]);
});

for (const next of [
  "javascript:canary()",
  "//evil.example/x",
  "https://evil.example/x",
  "/\\evil.example/x",
  "/\t/evil.example/x",
  "data:text/html,<script>canary()</script>",
]) {
  test(`whoever is sent to sign in stays here: ${JSON.stringify(next)}`, async ({ page, baseURL }) => {
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await page.getByLabel("E-mail").fill("owner@example.com");
    await page.getByLabel("Password").fill("a long enough passphrase");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).not.toHaveURL(/sign-in/);
    const account = page.getByRole("button", { name: /Your account/ });
    const lost = page.getByRole("link", { name: "Go to the start" });
    await expect(account.or(lost).first()).toBeVisible();
    expect(new URL(page.url()).origin).toBe(baseURL);
    // Also whoever is signed in already.
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await expect(page).not.toHaveURL(/sign-in/);
    await expect(account.or(lost).first()).toBeVisible();
    expect(new URL(page.url()).origin).toBe(baseURL);
    expect(heard.sung).toEqual([]);
  });
}

test.describe("the content policy alone", () => {
  test.use({ bypassCSP: false });

  test("refuses markup, scripts and requests that the page itself would make", async ({ page, watch }) => {
    watch.allow(/Content Security Policy|evil\.example|^exception: Failed to|Trusted/);
    const unanswered: string[] = [];
    page.on("requestfailed", (it) => unanswered.push(`${it.url()} ${it.failure()?.errorText}`));
    await page.goto("/sign-in");
    await expect(page.getByLabel("E-mail")).toBeVisible();
    await page.evaluate(() => {
      const attempts: Record<string, () => unknown> = {
        markup: () => {
          document.body.innerHTML = "<img src=x onerror=canary()>";
        },
        script: () => {
          document.createElement("script").text = "canary()";
        },
        made: () => new Function("canary()")(),
        timed: () => setTimeout("canary()"),
        fetched: () => fetch("https://evil.example/"),
        worker: () => new Worker("data:text/javascript,0"),
      };
      const refused: string[] = [];
      // Not right here: what a debugger evaluates is free of the policy.
      setTimeout(async () => {
        for (const [name, attempt] of Object.entries(attempts)) {
          try {
            await attempt();
          } catch {
            refused.push(name);
          }
        }
        const frame = document.createElement("iframe");
        frame.src = "https://evil.example/frame";
        const picture = document.createElement("img");
        picture.src = "https://evil.example/pixel.png";
        const style = document.createElement("style");
        style.textContent = "body { display: none }";
        document.body.append(frame, picture, style);
        await new Promise((resolve) => picture.addEventListener("error", resolve));
        if (getComputedStyle(document.body).display !== "none") refused.push("styled");
        document.title = refused.join(" ");
      });
    });
    await expect(page).toHaveTitle("markup script made timed fetched worker styled");
    for (const it of unanswered) expect(it).toMatch(/evil\.example.* csp$/);
    expect(heard.sung).toEqual([]);
  });
});

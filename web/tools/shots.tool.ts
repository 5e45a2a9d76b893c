/**
 * Takes the pictures that the README and the documentation show, from a real server with real runs on it, light and
 * dark. One more is one line below. A picture that differs from the kept one by no more than times and ids stays.
 */
import type { Page } from "@playwright/test";
import { expect, test } from "../e2e/fixtures";
import { apiKey, ask, counted, priced } from "../e2e/models";
import { type Filled, fill, isSignedIn } from "../e2e/pages";
import type { Server } from "../e2e/server";
import { chatWith, settled } from "../e2e/work";

test.use({ place: "shots" });

interface Shot {
  name: string;
  at(it: Filled & { chatWithRequest: string }): string;
  isPhone?: boolean;
  /** What is done, and waited for, before the picture is taken. */
  before(page: Page): Promise<unknown>;
}

const sees = (text: string | RegExp) => (page: Page) =>
  expect(page.getByText(text).filter({ visible: true }).first()).toBeVisible();

const shots: Shot[] = [
  { name: "chat", at: (it) => `/chats/${it.chatWithRequest}`, before: sees("Approve once") },
  { name: "run", at: (it) => `/runs/${it.run}?step=2`, before: sees("memory_bytes_max") },
  { name: "runs", at: () => "/runs", before: sees("tokens") },
  { name: "inbox-phone", at: (it) => `/inbox/${it.approval}`, isPhone: true, before: sees("Approve once") },
  { name: "record", at: () => "/record/verify", before: verify },
  { name: "policy", at: () => "/policies/demo", before: simulate },
  { name: "start", at: (it) => `/start?run=${it.run}`, before: sees("Verify the record") },
  { name: "agent", at: (it) => `/agents/${it.guide}`, before: sees("Which files are there") },
  { name: "tool", at: () => "/tools/file.write", before: sees("the whole new content") },
  { name: "node", at: (it) => `/nodes/${it.node}`, before: sees("Sandbox of namespaces") },
  { name: "models", at: (it) => `/models/profiles/${it.profile}`, before: sees("The first call") },
  { name: "usage", at: () => "/usage?by=profile&range=7d", before: sees("careful") },
  { name: "budget", at: () => "/budgets/org", before: sees(/If it goes on like this|too early/) },
  { name: "members", at: () => "/settings/members", before: sees("Ada Lovelace") },
  { name: "activity", at: () => "/settings/activity", before: sees("Vera Wang joined as Viewer") },
  { name: "notifications", at: () => "/notifications", before: sees("asks for your approval") },
  { name: "search", at: () => "/search?q=notes", before: sees("In messages") },
  { name: "replay", at: (it) => `/runs/${it.run}/replay`, before: sees("Identical, byte for byte") },
];

async function verify(page: Page) {
  await page.getByRole("button", { name: "Verify here" }).click();
  await sees(/as they were written/)(page);
  await page.getByRole("button", { name: "Let the server verify" }).click();
  await expect(page.getByRole("region", { name: "By the server" })).toContainText("as they were written");
}

async function simulate(page: Page) {
  const editor = page.getByRole("textbox", { name: "Text of the policy" });
  await expect(editor).toContainText("read-files");
  await editor.click();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.insertText(
    '@id("no-skills")\n@reason("skills stay shut until they were looked at")\nforbid (principal, action == Chancery::Action::"skill.run", resource);\n\n',
  );
  await page.getByRole("button", { name: "Simulate" }).click();
  await expect(page.getByRole("list", { name: "Decisions that would be others" })).toContainText(
    "Skills stay shut",
  );
}

/** A chat in which an agent has read something, and asks whether it may write. */
async function asking(server: Server): Promise<string> {
  const chat = await chatWith(server, "demo", "Prepare Friday");
  const say = async (content: string, state: string) => {
    const path = `/v1/sessions/${chat}/messages`;
    const { run } = await server.call<{ run: { id: string } }>("POST", path, { content });
    await settled(server, run.id, state);
  };
  await say("read notes/todo.md", "succeeded");
  await say('write notes/friday.md: "Call the grower about the pears.\\nOrder forty boxes."', "waiting");
  return chat;
}

/** Calls of three models that have a price. */
async function spending(server: Server) {
  const key = await apiKey(server, "Build server");
  const models = ["careful", "quick", "translator"];
  for (const model of models) await priced(server, model);
  for (const [at, model] of models.entries()) {
    for (let call = 0; call <= 4 - at; call += 1) await ask(server, key.key, model, 400 * (at + 1));
  }
  await counted(server, key.id, 12);
  // Little enough that the chart shows how it burns down.
  await server.call("PUT", "/v1/budgets/org", { monthly_usd_micros: 50_000 });
}

let filled: (Filled & { chatWithRequest: string }) | undefined;
test.beforeAll(async ({ server }) => {
  filled = { ...(await fill(server)), chatWithRequest: await asking(server) };
  await spending(server);
});

for (const shot of shots) {
  for (const theme of ["light", "dark"] as const) {
    test(`${shot.name}, ${theme}`, async ({ page, server }) => {
      if (!filled) throw new Error("nothing was made");
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize(shot.isPhone ? { width: 390, height: 760 } : { width: 1440, height: 860 });
      await isSignedIn(page, server);
      await page.goto(shot.at(filled));
      await shot.before(page);
      await expect(page.locator(".animate-pulse-soft")).toHaveCount(0);
      await page.mouse.move(0, 0);
      await expect(page).toHaveScreenshot(`${shot.name}-${theme}.png`, {
        caret: "hide",
        maxDiffPixelRatio: 0.02,
      });
    });
  }
}

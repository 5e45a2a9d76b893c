import { randomUUID } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { startServer } from "./server";
import { runOf, settled } from "./work";

watched();
test.use({ viewport: { width: 390, height: 844 } });

/** From the first page to a run that was decided on, verified and replayed, on a phone. */
async function firstRun(page: Page, url: string) {
  await page.goto(`${url}/sign-up`);
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByLabel("E-mail").fill(`ada-${randomUUID()}@example.com`);
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.getByLabel("Organisation").fill("Analytical Engines");
  await page.getByRole("button", { name: "Create account" }).click();

  await expect(page.getByRole("heading", { name: "Your first governed run" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Set it up" }).click();
  await page.getByRole("button", { name: "Ask", exact: true }).click();

  const request = page.getByRole("region", { name: /Waits for a person: file.write notes\/first.md/ });
  await expect(request).toContainText("Writing under notes/ asks a person first.");
  await expect(request).toContainText("Hello from my first governed run.");
  await expectAccessible(page);
  await request.getByRole("button", { name: "Approve once" }).click();
  await expect(page.getByText("It ran, and only what you had seen.")).toBeVisible();

  // What came of it can be looked at, and all of it survives a reload.
  await page.reload();
  await page.getByText("file.read", { exact: true }).click();
  await expect(page.getByRole("group", { name: "Output" })).toContainText(
    "Hello from my first governed run.",
  );

  await page.getByRole("button", { name: "Verify it" }).click();
  await expect(page.getByText(/All \d+ events are there, in order, unchanged, and signed./)).toBeVisible();
  await page.getByRole("button", { name: "Replay as it was" }).click();
  await expect(page.getByText(/Identical: \d+ outcomes compared/)).toBeVisible();
  await page.getByRole("button", { name: "Replay with writing forbidden" }).click();
  await expect(page.getByText("It would have gone differently at step 1 (file.write)")).toBeVisible();
  await expect(page.getByText("Nothing is written any more.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "That is all there is to it" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Look at the run" }).click();
  await expect(page.getByRole("list", { name: "Steps over time" })).toContainText("notes/first.md");
}

/** Presses Tab until this has the focus, which must not be far. */
async function tabTo(page: Page, target: Locator) {
  await expect(target).toBeVisible();
  for (let pressed = 0; pressed < 6; pressed++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((it) => it === document.activeElement)) return;
  }
  throw new Error(`${target} is more than six tabs away`);
}

test("somebody new gets from signing up to a verified and replayed run", async ({ page, server }) => {
  await firstRun(page, server.url);
});

test.describe("by the keyboard alone", () => {
  test.use({ viewport: { width: 1440, height: 900 } });

  test("each stage leads on to the next", async ({ page, server }) => {
    const button = (name: string) => page.getByRole("button", { name, exact: true });
    await page.goto(`${server.url}/sign-up`);
    await expect(page.getByLabel("Your name")).toBeFocused();
    const email = `grace-${randomUUID()}@example.com`;
    for (const words of ["Grace Hopper", email, "correct horse battery staple"]) {
      await page.keyboard.type(words);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.type("Compilers\n");
    await expect(page.getByRole("heading", { name: "Your first governed run" })).toBeVisible();
    await page.keyboard.press("g");
    await page.keyboard.press("s");
    for (const [stage, name] of [
      ["Ask it for something that matters", "Ask"],
      ["Decide", "Approve once"],
      ["Verify the record", "Verify it"],
      ["Replay it", "Replay as it was"],
    ] as const) {
      const setUp = button("Set it up");
      if (await setUp.isVisible()) {
        await setUp.focus();
        await page.keyboard.press("Enter");
      }
      await expect(page.getByRole("heading", { name: stage, exact: true })).toBeFocused();
      await tabTo(page, button(name));
      await expect(button(name)).toBeInViewport({ ratio: 1 });
      await page.keyboard.press("Enter");
    }
    await expect(page.getByText(/Identical: \d+ outcomes compared/)).toBeVisible();
    await tabTo(page, button("Replay with writing forbidden"));
    await page.keyboard.press("Enter");
    await expect(page.getByText("It would have gone differently at step 1 (file.write)")).toBeVisible();
  });
});

test("a record that does not verify is not ticked off", async ({ page, server }) => {
  const run = await runOf(server, "noop");
  await settled(server, run, "succeeded");
  await signIn(page);
  await page.goto(`/start?run=${run}`);
  const bad = { ok: false, events: 3, first_bad: { seq: 2, reason: "chain" } };
  await page.route("**/v1/audit/verify", (route) => route.fulfill({ json: bad }));
  const stage = page.getByRole("listitem").filter({ hasText: "Verify the record" });
  await stage.getByRole("button", { name: "Verify it" }).click();
  await expect(stage.getByText("The record does not verify.")).toBeVisible();
  await expect(stage.getByRole("img", { name: "Done" })).toBeHidden();
  await expect(page.getByRole("button", { name: "Replay as it was" })).toBeHidden();
  await page.unroute("**/v1/audit/verify");
  await stage.getByRole("button", { name: "Verify it" }).click();
  await expect(stage.getByRole("img", { name: "Done" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Replay as it was" })).toBeVisible();
});

test.describe("on Postgres", () => {
  test.skip(!process.env.CHANCERY_TEST_POSTGRES, "CHANCERY_TEST_POSTGRES is not set");
  test.use({
    // A server of its own, on another database; what is watched is its origin.
    baseURL: async ({ browserName }, use) => {
      expect(browserName).toBe("chromium");
      const server = await startServer({ postgres: true });
      await use(server.url);
      await server.close();
    },
  });

  test("somebody new gets from signing up to a verified and replayed run", async ({ page, baseURL }) => {
    test.setTimeout(120_000);
    await firstRun(page, baseURL ?? "");
  });
});

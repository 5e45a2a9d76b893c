/**
 * What every test in the browser has: a server of its worker, and a page that is watched. A test fails on
 * any error in the console, any violation of the content policy, any exception, and any request that leaves
 * the origin.
 */
import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { OWNER, type Server, startServer } from "./server";

/** What a test expects to go wrong, such as a refused password. */
export interface Watch {
  allow(pattern: RegExp): void;
}

interface Fixtures {
  watch: Watch;
}

interface PerWorker {
  /** A file of tests that makes much, or that needs a server with nothing else on it, names a place of its own. */
  place: string;
  server: Server;
}

function watchPage(page: Page, origin: string): { watch: Watch; problems: string[] } {
  const problems: string[] = [];
  // `signIn` waits for its turn.
  const allowed: RegExp[] = [/status of 429 .*\/v1\/auth\/login/];
  const report = (text: string) => {
    if (!allowed.some((it) => it.test(text))) problems.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error") report(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => report(`exception: ${error.message}`));
  page.on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (asked !== origin && protocol !== "blob:") report(`request to another origin: ${request.url()}`);
  });
  return { watch: { allow: (pattern) => void allowed.push(pattern) }, problems };
}

export const test = base.extend<Fixtures, PerWorker>({
  place: ["shared", { scope: "worker", option: true }],
  server: [
    async ({ place }, use) => {
      const server = await startServer({ place });
      await use(server);
      await server.close();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  watch: async ({ page, baseURL }, use) => {
    const { watch, problems } = watchPage(page, baseURL ?? "");
    await use(watch);
    expect(problems).toEqual([]);
  },
});

/** Every test of a file that calls this is watched, whether it asks for `watch` or not. */
export function watched() {
  test.beforeEach(({ watch }) => void watch);
}

/** Signs in as the owner of the demo's organisation, the way people do. */
export async function signIn(page: Page, who = OWNER) {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  // An account may be tried only so often a minute, which quick tests do together; then the answer says until when.
  for (let isIn = false; !isIn; ) {
    const answered = page.waitForResponse(/\/v1\/auth\/login$/);
    await page.getByRole("button", { name: "Sign in" }).click();
    const answer = await answered;
    isIn = answer.status() !== 429;
    if (!isIn) await page.waitForTimeout(1000 * Number(answer.headers()["retry-after"] ?? 1));
  }
  await expect(page).not.toHaveURL(/sign-in/);
}

export const isPhone = (page: Page) => (page.viewportSize()?.width ?? 0) < 768;

const STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** All of axe's rules that colours have to do with; the rest is the same in every theme. */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

/** What axe finds against WCAG 2.2 AA, in both themes. */
export async function expectAccessible(page: Page) {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((it) => {
      document.documentElement.dataset.theme = it;
    }, theme);
    const axe = new AxeBuilder({ page });
    const { violations } = await (theme === "light"
      ? axe.withTags(STANDARD)
      : axe.withRules(OF_COLOURS)
    ).analyze();
    const found = violations.map(
      (it) => `${theme}: ${it.id}: ${it.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`,
    );
    expect(found).toEqual([]);
  }
}

export { expect, OWNER };

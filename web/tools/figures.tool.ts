/**
 * What the app costs who uses it, measured in a real Chromium: paints, layout shift, and how long an interaction
 * takes until its frame is painted, on the machine as it is and with its processor slowed down four times. Each figure
 * is the median of rounds; a round is a page of its own with an empty cache.
 */
import type { Browser, CDPSession, Page } from "@playwright/test";
import { expect, test } from "../e2e/fixtures";
import { isSignedIn } from "../e2e/pages";
import type { Server } from "../e2e/server";
import { chatWith, runOf, settled } from "../e2e/work";

test.use({ place: "figures" });

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const STEPS = 50;
const TOLD_MS = 500;
/** As quickly as people type: 20 keys a second. */
const TYPED_MS = 50;

interface Places {
  chat: string;
  run: string;
}

declare global {
  interface Window {
    figures: { lcp: number; cls: number; interactions: { start: number; duration: number }[] };
  }
}

/** Runs in the page before anything else: collects what the browser says of paints, shifts and interactions. */
function collect() {
  window.figures = { lcp: 0, cls: 0, interactions: [] };
  const on = (type: string, seen: (entry: PerformanceEntry) => void, more = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(seen)).observe({
      type,
      buffered: true,
      ...more,
    });
  on("largest-contentful-paint", (it) => {
    window.figures.lcp = it.startTime;
  });
  on("layout-shift", (it) => {
    const { value, hadRecentInput } = it as PerformanceEntry & { value: number; hadRecentInput: boolean };
    if (!hadRecentInput) window.figures.cls += value;
  });
  on(
    "event",
    (it) => {
      const { interactionId } = it as PerformanceEntry & { interactionId: number };
      if (interactionId > 0) window.figures.interactions.push({ start: it.startTime, duration: it.duration });
    },
    { durationThreshold: 16 },
  );
}

/** The slowest interaction while something is done: from the key or the click to the painted frame. */
async function slowest(page: Page, act: () => Promise<unknown>): Promise<number> {
  const begun = await page.evaluate(() => performance.now());
  await act();
  // An interaction is told some time after its frame was shown, so it is known by when it began.
  await page.waitForTimeout(TOLD_MS);
  const told = await page.evaluate(() => window.figures.interactions);
  // Faster than a frame of 16 ms is not told at all.
  return Math.max(16, ...told.filter((it) => it.start >= begun).map((it) => it.duration));
}

type Figures = Record<string, number>;

async function opened(page: Page, address: string, whole: () => Promise<unknown>): Promise<Figures> {
  await page.goto(address);
  await whole();
  // The browser tells of paints a little after them.
  await page.waitForFunction(() => window.figures.lcp > 0);
  return page.evaluate(() => ({
    fcp: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
    lcp: window.figures.lcp,
    cls: window.figures.cls,
  }));
}

async function round(browser: Browser, server: Server, places: Places, slowdown: number): Promise<Figures> {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(collect);
  const session: CDPSession = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  const figures: Figures = {};
  const keep = (name: string, of: Figures) => {
    for (const [kind, value] of Object.entries(of)) figures[`${name}: ${kind}`] = value;
  };
  keep("sign-in", await opened(page, "/sign-in", () => expect(page.getByLabel("E-mail")).toBeVisible()));
  await isSignedIn(page, server);
  const messages = page.getByRole("list", { name: "Messages" });
  keep(
    "a chat",
    await opened(page, `/chats/${places.chat}`, () => expect(messages).toContainText("To do this week")),
  );
  const composer = page.getByLabel("Message", { exact: true });
  await composer.click();
  figures["a key in the composer"] = await slowest(page, () =>
    composer.pressSequentially("What is left to do?", { delay: TYPED_MS }),
  );
  await composer.fill("");
  await page.keyboard.press("Escape");
  const palette = page.getByRole("dialog", { name: "Command palette" });
  figures["opening the palette"] = await slowest(page, async () => {
    await page.keyboard.press("ControlOrMeta+k");
    await expect(palette).toBeVisible();
  });
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
  figures["changing the page"] = await slowest(page, async () => {
    await page.getByRole("link", { name: "Runs", exact: true }).first().click();
    await expect(page.getByRole("list", { name: "Runs" })).toBeVisible();
  });
  figures[`opening a run of ${STEPS} steps`] = await slowest(page, async () => {
    await page
      .getByRole("link", { name: /Fifty steps/ })
      .first()
      .click();
    await expect(page.getByRole("list", { name: "Steps over time" }).getByRole("button")).toHaveCount(STEPS);
  });
  const step = page.getByRole("list", { name: "Steps over time" }).getByRole("button").nth(20);
  figures["opening a step of it"] = await slowest(page, async () => {
    await step.click();
    await expect(page.getByRole("complementary", { name: "Step 21" })).toBeVisible();
  });
  keep(
    "a run",
    await opened(page, `/runs/${places.run}`, () =>
      expect(page.getByRole("list", { name: "Steps over time" }).getByRole("button")).toHaveCount(STEPS),
    ),
  );
  await context.close();
  return figures;
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const shown = (name: string, value: number) =>
  name.endsWith("cls") ? value.toFixed(3) : `${Math.round(value)} ms`;

const aims: [RegExp, string][] = [
  [/fcp$/, "≤ 1,800 ms"],
  [/lcp$/, "≤ 2,500 ms"],
  [/cls$/, "≤ 0.1"],
  [/^(a key|opening|changing)/, "≤ 100 ms"],
];
const words: Record<string, string> = {
  fcp: "first contentful paint",
  lcp: "largest contentful paint",
  cls: "cumulative layout shift",
};

test("figures", async ({ browser, server }) => {
  const chat = await chatWith(server, "demo", "To measure");
  const { run } = await server.call<{ run: { id: string } }>("POST", `/v1/sessions/${chat}/messages`, {
    content: "read notes/todo.md",
  });
  await settled(server, run.id, "succeeded");
  const fifty = await runOf(server, Array(STEPS).fill("noop").join("; "), "demo", "Fifty steps");
  await settled(server, fifty, "succeeded");
  const places = { chat, run: fifty };
  const table: Record<string, number[]> = {};
  for (const [at, slowdown] of [1, 4].entries()) {
    const rounds: Figures[] = [];
    for (let of = 0; of < ROUNDS; of += 1) rounds.push(await round(browser, server, places, slowdown));
    for (const name of Object.keys(rounds[0] ?? {})) {
      const row = table[name] ?? [];
      row[at] = median(rounds.map((it) => it[name] ?? Number.NaN));
      table[name] = row;
    }
  }
  const lines = Object.entries(table).map(([name, [full, slow]]) => {
    const said = name.replace(/(fcp|lcp|cls)$/, (it) => words[it] ?? it);
    const aim = aims.find(([pattern]) => pattern.test(name))?.[1] ?? "–";
    return `| ${said} | ${shown(name, full ?? Number.NaN)} | ${shown(name, slow ?? Number.NaN)} | ${aim} |`;
  });
  const head = [
    `medians of ${ROUNDS} rounds, Chromium ${browser.version()}, 1440 × 900, an empty cache each`,
    "",
    "| what | figure | processor slowed down 4 times | aim |",
    "|---|---|---|---|",
  ];
  console.log(`\n${[...head, ...lines].join("\n")}`);
});

/** What holds of every page: accessible in both themes, nothing beside the screen, and the focus can be seen. */
import type { Page } from "@playwright/test";
import { expect, expectAccessible, test, watched } from "./fixtures";
import { type Filled, fill, isSignedIn, pages, visit } from "./pages";

test.use({ place: "pages" });
watched();

let filled: Filled | undefined;
test.beforeAll(async ({ server }) => {
  filled = await fill(server);
});

test("no page of the router is left out, and none is there that it does not know", async ({ page }) => {
  await page.goto("/sign-in");
  await expect(page.getByLabel("E-mail")).toBeVisible();
  const known = await page.evaluate(() => {
    const { __TSR_ROUTER__: router } = window as unknown as { __TSR_ROUTER__: { routesByPath: object } };
    return Object.keys(router.routesByPath);
  });
  const trimmed = known.map((it) => (it === "/" ? it : it.replace(/\/$/, "")));
  expect([...new Set(trimmed)].sort()).toEqual(Object.keys(pages).sort());
});

const beside = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

for (const [path, entry] of Object.entries(pages)) {
  test(`${path} is accessible, fits, and shows its focus`, async ({ page, server }) => {
    if (!entry.isOutside) await isSignedIn(page, server);
    if (!filled) throw new Error("nothing was made");
    await visit(page, entry, filled);
    await expectAccessible(page);
    await expectFocusShown(page);
    for (const width of [1440, 1024, 390]) {
      await page.setViewportSize({ width, height: 844 });
      await expect.poll(() => beside(page), `beside the screen at ${width}`).toBeLessThanOrEqual(0);
    }
    await visit(page, entry, filled);
    expect(await beside(page)).toBeLessThanOrEqual(0);
    await expectAccessible(page);
  });
}

/** As many stops of the Tab key as are tried on a page. */
const STOPS = 40;

async function expectFocusShown(page: Page) {
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const seen = new Set<string>();
  for (let stop = 0; stop < STOPS; stop += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(focused);
    if (!found || seen.has(found.place)) break;
    seen.add(found.place);
    expect(found.problems, found.html).toEqual([]);
  }
  expect(seen.size).toBeGreaterThan(0);
}

/** Runs in the page: whether what has the focus is on the screen, and looks otherwise than without it. */
function focused() {
  const element = document.activeElement as HTMLElement | null;
  if (!element || element === document.body) return undefined;
  const around = [element, element.parentElement, element.closest("form, label, li, tr, header")];
  const looks = () =>
    around
      .filter((it) => it !== null)
      .map((it) => {
        const { outline, boxShadow, borderColor, backgroundColor, color, textDecoration } =
          getComputedStyle(it);
        return [outline, boxShadow, borderColor, backgroundColor, color, textDecoration].join();
      })
      .join(";");
  const { width, height, top, left, bottom, right } = element.getBoundingClientRect();
  const place = `${element.localName} ${element.id} ${Math.round(left)} ${Math.round(top + scrollY)} ${element.textContent?.slice(0, 40)}`;
  const problems: string[] = [];
  if (width < 1 || height < 1) problems.push("it has no size");
  if (bottom < 0 || right < 0 || top > innerHeight || left > innerWidth)
    problems.push("it is off the screen");
  const withIt = looks();
  element.blur();
  if (withIt === looks()) problems.push("it looks the same without the focus");
  element.focus();
  return { place, html: element.outerHTML.slice(0, 160), problems };
}

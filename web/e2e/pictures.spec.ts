/**
 * The looks of the main pages, against pictures that were looked at when they were kept. What differs from one run to
 * the next (times, ids, how long something took) is made the same first, and the fonts are those that the tests
 * install; what is left may differ by the smoothing of glyphs, and not by a place.
 */
import type { Page } from "@playwright/test";
import { expect, test, watched } from "./fixtures";
import { type Filled, fill, isSignedIn, pages, visit } from "./pages";

test.use({ place: "pictures" });
watched();

let filled: Filled | undefined;
test.beforeAll(async ({ server }) => {
  filled = await fill(server);
});

const looks = [
  { name: "light", width: 1440, height: 900 },
  { name: "phone-dark", width: 390, height: 844 },
] as const;

for (const [path, entry] of Object.entries(pages)) {
  if (!entry.picture) continue;
  for (const { name, width, height } of looks) {
    test(`${path} looks as it did: ${name}`, async ({ page, server }) => {
      if (!entry.isOutside) await isSignedIn(page, server);
      if (!filled) throw new Error("nothing was made");
      await page.emulateMedia({ colorScheme: name === "light" ? "light" : "dark" });
      await page.setViewportSize({ width, height });
      await visit(page, entry, filled);
      await settle(page);
      // A new entry of the navigation changes one picture, and not all of them.
      const isWhole = entry.isOutside || path === "/runs";
      const left = isWhole ? 0 : ((await page.locator("#content").boundingBox())?.x ?? 0);
      await expect(page).toHaveScreenshot(`${entry.picture}-${name}.png`, {
        clip: { x: left, y: 0, width: width - left, height },
        animations: "disabled",
        caret: "hide",
        // The bars of a waterfall are as long as something took.
        mask: [page.locator("[data-row] span:has(> [style*='left'])")],
        maskColor: "#808080",
        maxDiffPixelRatio: 0.002,
      });
    });
  }
}

/** The same fonts everywhere, and the same words for what is never the same. */
async function settle(page: Page) {
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      ':root { --font-sans: "DejaVu Sans"; --font-mono: "DejaVu Sans Mono"; font-family: "DejaVu Sans" !important }',
    );
    document.adoptedStyleSheets.push(sheet);
    const same: [RegExp, string][] = [
      [/\b([a-z]{3})_[0-9a-f]{8}-[0-9a-f-]{27}\b/g, "$1_00000000-0000-7000-8000-000000000000"],
      [/\b([a-z]{3})_…[0-9a-f]{6}/g, "$1_…000000"],
      [/\b[0-9a-f]{16,}\b/g, "0".repeat(16)],
      [/\b\d{1,2}:\d\d(:\d\d(\.\d{3})?)?\b/g, "12:00"],
      [/\b\d{1,2} [A-Z][a-z]{2,3} \d{4}\b/g, "1 Jan 2026"],
      [/<?\d+(\.\d+)? (ms|s|min|h|d)( \d+ (s|min|h))?(?![a-z])/g, "1 s"],
      [/^(now|\d+ min|just now)$/g, "now"],
      [/"(cpu_ms|memory_bytes_max)": \d+/g, '"$1": 1'],
      [/127\.0\.0\.1:\d+/g, "127.0.0.1:7300"],
      [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}@/g, "somebody@"],
    ];
    const settled = (text: string) => same.reduce((now, [from, to]) => now.replace(from, to), text);
    const all = () => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.nodeValue ?? "";
        const next = settled(text);
        if (next !== text) node.nodeValue = next;
      }
    };
    all();
    new MutationObserver(all).observe(document.body, { childList: true, characterData: true, subtree: true });
    return document.fonts.ready.then(() => undefined);
  });
}

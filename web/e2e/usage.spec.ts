import { readFile } from "node:fs/promises";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { apiKey, ask, counted, priced } from "./models";
import { join } from "./people";

watched();

test("what was spent is stacked, isolated, narrowed to a day and back, sorted and exported", async ({
  page,
  server,
}) => {
  await priced(server, "usage-a");
  await priced(server, "usage-b");
  const key = await apiKey(server, "Build server");
  for (const model of ["usage-a", "usage-a", "usage-b"]) expect(await ask(server, key.key, model)).toBe(200);
  await counted(server, key.id, 3);
  await signIn(page);
  await page.goto("/usage?by=profile");
  await expect(page.getByRole("heading", { name: /^Cost by profile/ })).toBeVisible();
  const totals = page.getByRole("region", { name: "Totals" });
  await expect(totals.getByRole("row", { name: /usage-a/ })).toContainText("2");
  await expectAccessible(page);

  // The parts of the last day are said, to the mouse and to the arrow keys.
  const chart = page.getByRole("application", { name: /^Cost by profile/ });
  const box = await chart.boundingBox();
  if (!box) throw new Error("no chart");
  await page.mouse.move(box.x + box.width - 20, box.y + 60);
  const hint = page.getByRole("status").filter({ hasText: "usage-a" });
  await expect(hint).toContainText("usage-b");
  await expect(hint).toContainText("Together");
  await page.mouse.move(0, 0);
  await expect(hint).toBeHidden();
  await chart.focus();
  for (let day = 0; day < 29; day += 1) await page.keyboard.press("ArrowRight");
  await expect(hint).toContainText("usage-b");

  // One of them alone, by its name in the legend; it stands in the address.
  const legend = page.getByRole("list", { name: "What the colours mean" });
  await legend.getByRole("button", { name: "usage-b" }).click();
  await expect(page).toHaveURL(/only=usage-b/);
  await page.getByText("The numbers of the chart, as a table").click();
  const numbers = page.getByRole("group", { name: "The numbers of the chart, as a table" });
  await expect(numbers.getByRole("columnheader")).toHaveText(["Day", "usage-b"]);
  await page.getByRole("button", { name: "Show all" }).click();
  await expect(numbers.getByRole("columnheader", { name: "usage-a" })).toBeVisible();
  await expectAccessible(page);

  // Dragging over the last bars looks at them alone; the browser's way back and a button lead back.
  await page.getByText("The numbers of the chart, as a table").click();
  await chart.scrollIntoViewIfNeeded();
  const now = (await chart.boundingBox()) ?? box;
  await page.mouse.move(now.x + now.width - 20, now.y + 100);
  // At once, before the chart has said what is there.
  await page.mouse.down();
  await page.mouse.move(now.x + now.width - 120, now.y + 100, { steps: 8 });
  await expect(page.locator(".recharts-reference-area")).toBeVisible();
  await page.mouse.up();
  await expect(page).toHaveURL(/from=\d{4}-\d\d-\d\d&to=/);
  await expect(totals.getByRole("row", { name: /usage-a/ })).toBeVisible();
  await page.goBack();
  await expect(page).not.toHaveURL(/from=/);
  await page.keyboard.press("=");
  await expect(page).toHaveURL(/from=/);
  await page.getByRole("button", { name: "Back to 30 days" }).click();
  await expect(page).not.toHaveURL(/from=/);

  await page.getByRole("combobox", { name: "Stacked by" }).selectOption("key");
  await expect(totals.getByRole("row", { name: /Build server/ })).toBeVisible();
  await page.getByRole("combobox", { name: "Measure" }).selectOption("tokens");
  await expect(page.getByRole("heading", { name: /^Tokens by api key/ })).toBeVisible();
  await totals.getByRole("button", { name: "Calls", exact: true }).click();
  await expect(totals.getByRole("columnheader", { name: "Calls" })).toHaveAttribute(
    "aria-sort",
    "descending",
  );
  await page.reload();
  await expect(page.getByRole("heading", { name: /^Tokens by api key/ })).toBeVisible();

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export CSV" }).click();
  const csv = await readFile((await (await download).path()) ?? "", "utf8");
  expect(csv.split("\r\n")[0]).toMatch(/^day,key_id,calls,failed,/);
  expect(csv).toContain(key.id);
});

test("models that failed are seen, each with its rate", async ({ page, server }) => {
  await priced(server, "sound");
  const key = await apiKey(server, "Prober");
  const broken = await server.call<{ id: string }>("POST", "/v1/providers", {
    type: "openai_compatible",
    name: "broken",
    base_url: "http://127.0.0.1:9/v1",
  });
  await server.call("POST", "/v1/model-profiles", {
    name: "broken",
    targets: [{ provider_id: broken.id, model: "gone" }],
  });
  expect(await ask(server, key.key, "sound")).toBe(200);
  expect(await ask(server, key.key, "broken")).toBeGreaterThanOrEqual(500);
  await counted(server, key.id, 2);
  await signIn(page);
  await page.goto("/usage?view=health");
  const totals = page.getByRole("region", { name: "Totals" });
  await expect(totals.getByRole("row", { name: /^broken/ })).toContainText("100%");
  await expect(totals.getByRole("row", { name: /sound\/stage/ })).toContainText("0%");
  const times = page.getByRole("figure").filter({ hasText: "First byte" });
  await expect(times.getByRole("list", { name: "What the colours mean" })).toContainText("sound/stage");
  await expect(totals.getByRole("columnheader").nth(1)).toHaveText("Failed");
  await times.getByText("The numbers of the chart, as a table").click();
  await expect(times.getByRole("columnheader", { name: "sound/stage" })).toBeVisible();
  await expect(times.getByRole("cell").filter({ hasText: "ms" }).first()).toBeVisible();
  await times.getByRole("button", { name: "First byte" }).click();
  await expect(times).toContainText("From the call to the first byte of its answer.");
  await expectAccessible(page);
  await page.getByRole("combobox", { name: "Model" }).selectOption("broken");
  await expect(page).toHaveURL(/model=broken/);
  const chart = page.getByRole("application", { name: /^Calls of broken/ });
  await chart.focus();
  for (let day = 0; day < 29; day += 1) await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("status").filter({ hasText: "Failed" })).toContainText("1");
  await page.setViewportSize({ width: 390, height: 844 });
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  await expect.poll(width).toBeLessThanOrEqual(390);
});

test("a viewer is told why there is nothing to see, a member sees it", async ({ page, server }) => {
  await signIn(page, await join(server, "viewer", "Vera"));
  await page.goto("/usage");
  await expect(page.getByRole("heading", { name: "Usage is for members" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Export CSV" })).toBeHidden();
  await expectAccessible(page);
  await page.evaluate(() => localStorage.clear());
  await page.context().clearCookies();
  await signIn(page, await join(server, "member", "Mia"));
  await page.goto("/usage");
  await expect(page.getByRole("button", { name: "Export CSV" })).toBeVisible();
});

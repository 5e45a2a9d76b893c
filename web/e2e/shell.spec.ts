import { expect, expectAccessible, signIn, test, watched } from "./fixtures";

watched();

test("the palette and the keys lead everywhere", async ({ page }) => {
  await signIn(page);
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await expect(help).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
  await page.keyboard.press("ControlOrMeta+k");
  const palette = page.getByRole("dialog", { name: "Command palette" });
  await expect(palette).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.type("dark");
  await page.keyboard.press("Enter");
  await expect(palette).toBeHidden();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("what one comes for is in the palette, wherever one is", async ({ page }) => {
  await signIn(page);
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  const palette = page.getByRole("dialog", { name: "Command palette" });
  const run = async (words: string) => {
    await page.keyboard.press("ControlOrMeta+k");
    await expect(palette.getByRole("combobox")).toBeFocused();
    await page.keyboard.type(words);
    await expect(palette.getByRole("option", { selected: true })).toContainText(words);
    await page.keyboard.press("Enter");
    await expect(palette).toBeHidden();
  };
  await run("Verify the record");
  await expect(page).toHaveURL(/\/record\/verify$/);
  await run("Compare two runs");
  await expect(page).toHaveURL(/\/runs\/compare$/);
  await run("New policy");
  await expect(page.getByRole("dialog", { name: "New policy" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/policies$/);
  await run("New chat");
  const chat = page.getByRole("dialog", { name: "A new chat" });
  await expect(chat).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(chat).toBeHidden();
  await expect(page).toHaveURL(/\/chats$/);
});

test("an address that is nothing leads back", async ({ page }) => {
  await signIn(page);
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { name: "There is nothing at this address" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Go to the start" }).click();
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
});

test("a page that could not be made is made by trying again", async ({ page, watch }) => {
  watch.allow(/status of 503.*auth\/refresh/);
  // React tells the console what a page broke at.
  watch.allow(/ApiError: the answer had the status 503/);
  await signIn(page);
  await page.route("**/v1/auth/refresh", (route) => route.fulfill({ status: 503 }));
  await page.goto("/runs");
  await expect(page.getByRole("heading", { name: "This page could not be shown" })).toBeVisible();
  await expectAccessible(page);
  await page.unroute("**/v1/auth/refresh");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Runs" })).toBeVisible();
});

test("being offline is said, and being back too", async ({ page, context, watch }) => {
  watch.allow(/ERR_INTERNET_DISCONNECTED/);
  await signIn(page);
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText("You are offline")).toBeVisible();
  await context.setOffline(false);
  await expect(page.getByText("You are offline")).toBeHidden();
});

test("the page comes with a strict policy, files are kept, and the API stays the API", async ({
  request,
}) => {
  const page = await request.get("/anything", { headers: { accept: "text/html" } });
  const policy = page.headers()["content-security-policy"] ?? "";
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]) {
    expect(policy).toContain(part);
  }
  expect(policy).not.toContain("unsafe");
  expect(page.headers()["x-content-type-options"]).toBe("nosniff");
  expect(page.headers()["referrer-policy"]).toBe("no-referrer");
  expect(page.headers()["permissions-policy"]).toContain("camera=()");
  expect(page.headers()["cache-control"]).toBe("no-cache");
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? "";
  const file = await request.get(script);
  expect(file.headers()["cache-control"]).toBe("public, max-age=31536000, immutable");
  expect(file.headers()["content-encoding"]).toBe("br");
  const missing = await request.get("/v1/nothing", { headers: { accept: "text/html" } });
  expect(missing.status()).toBe(404);
  expect(missing.headers()["content-type"]).toContain("application/problem+json");
  expect((await request.get("/assets/gone.js", { headers: { accept: "text/html" } })).status()).toBe(404);
});

import { randomUUID } from "node:crypto";
import { expect, expectAccessible, OWNER, signIn, test, watched } from "./fixtures";

watched();

const somebody = () => ({
  name: "Ada Lovelace",
  email: `ada-${randomUUID()}@example.com`,
  password: "correct horse battery staple",
});

test("a wrong password is refused with a sentence, the right one leads in", async ({ page, watch }) => {
  watch.allow(/status of 401.*auth\/login/);
  await page.goto("/");
  await expect(page).toHaveURL(/\/sign-in$/);
  await expectAccessible(page);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill("not the passphrase");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("don't go together");
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("button", { name: /Switch organisation: Demo/ })).toBeVisible();
});

test("a reload keeps the sign-in, and signing out ends it", async ({ page }) => {
  await signIn(page);
  await page.reload();
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  await page.getByRole("button", { name: /Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
  await page.goto("/start");
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fstart$/);
});

test("a tab does not follow another one that signs in as somebody else", async ({ page, context, watch }) => {
  // Its stream may ask once more before it hears that the other tab signed out.
  watch.allow(/status of 401.*audit\/events/);
  await signIn(page);
  await expect(page.getByRole("button", { name: /Your account/ })).toBeVisible();
  const other = await context.newPage();
  await other.goto("/sign-up");
  const ada = somebody();
  await other.getByLabel("Your name").fill(ada.name);
  await other.getByLabel("E-mail").fill(ada.email);
  await other.getByLabel("Password").fill(ada.password);
  await other.getByLabel("Organisation").fill("Analytical Engines");
  await other.getByRole("button", { name: "Create account" }).click();
  await expect(other.getByRole("button", { name: /Switch organisation/ })).toContainText("Analytical");
  await expect(page.getByRole("heading", { name: "Somebody else is signed in here now" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Reload" }).click();
  await expect(page.getByRole("button", { name: /Switch organisation/ })).toContainText("Analytical");
  // Signing out is for all tabs.
  await other.getByRole("button", { name: /Your account/ }).click();
  await other.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
});

test("signing out that fails is said, and signing out leads to where nothing is remembered", async ({
  page,
  watch,
}) => {
  watch.allow(/status of 500.*auth\/logout/);
  await signIn(page);
  await page.goto("/runs?state=failed");
  await page.route("**/v1/auth/logout", (route) => route.fulfill({ status: 500 }));
  const signOut = async () => {
    await page.getByRole("button", { name: /Your account/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
  };
  await signOut();
  await expect(page.getByText("You are still signed in")).toBeVisible();
  await expect(page).toHaveURL(/\/runs\?state=failed$/);
  await page.unroute("**/v1/auth/logout");
  await signOut();
  await expect(page).toHaveURL(/\/sign-in$/);
});

test("signing in leads to where somebody wanted to go, with its query, also when they are in", async ({
  page,
}) => {
  await page.goto("/runs?state=failed");
  await expect(page).toHaveURL(/sign-in\?next=/);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/runs\?state=failed$/);
  await page.goto("/sign-in?next=%2Fruns%3Fstate%3Dwaiting");
  await expect(page).toHaveURL(/\/runs\?state=waiting$/);
});

test("whoever signs up has an organisation of their own, and can make another", async ({ page }) => {
  const ada = somebody();
  await page.goto("/sign-up");
  await expectAccessible(page);
  await page.getByLabel("Your name").fill(ada.name);
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill(ada.password);
  await page.getByLabel("Organisation").fill("Analytical Engines");
  await page.getByRole("button", { name: "Create account" }).click();
  const switcher = page.getByRole("button", { name: /Switch organisation/ });
  await expect(switcher).toContainText("Analytical Engines");
  await switcher.click();
  await page.getByRole("menuitem", { name: "New organisation" }).click();
  await page.getByLabel("Name").fill("Difference Engines");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(switcher).toContainText("Difference Engines");
  await switcher.click();
  await page.getByRole("menuitemcheckbox", { name: /Analytical Engines/ }).click();
  await expect(switcher).toContainText("Analytical Engines");
  await page.reload();
  await expect(switcher).toContainText("Analytical Engines");
});

test("nothing of one organisation is shown in another", async ({ page, server }) => {
  const { items } = await server.call<{ items: { id: string }[] }>("GET", "/v1/agents");
  const title = `Of the demo ${randomUUID()}`;
  await server.call("POST", "/v1/sessions", { title, agent_ids: [items[0]?.id] });
  await signIn(page);
  await page.goto("/chats");
  await page.getByRole("link", { name: title }).click();
  await expect(page.getByRole("heading", { name: title })).toBeVisible();
  const switcher = page.getByRole("button", { name: /Switch organisation/ });
  await switcher.click();
  await page.getByRole("menuitem", { name: "New organisation" }).click();
  await page.getByLabel("Name").fill("Elsewhere");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("button", { name: "Set it up" })).toBeVisible();
  await page.getByRole("link", { name: "Chats" }).first().click();
  await expect(page.getByRole("heading", { name: "No chats yet" })).toBeVisible();
  await switcher.click();
  await page.getByRole("menuitemcheckbox", { name: /^Demo/ }).click();
  await expect(page.getByRole("link", { name: title })).toBeVisible();
});

test("an invitation is accepted by its link, which leaves the address", async ({ page, server }) => {
  const ada = somebody();
  const { token } = await server.call<{ token: string }>("POST", "/v1/invitations", {
    email: ada.email,
    role: "member",
  });
  await page.goto(`/invitation#token=${token}`);
  await page.getByRole("button", { name: "Create an account and join" }).click();
  expect(page.url()).not.toContain(token);
  await expectAccessible(page);
  await page.getByLabel("Your name").fill(ada.name);
  await page.getByLabel("E-mail").fill(ada.email);
  await page.getByLabel("Password").fill(ada.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("button", { name: /Switch organisation: Demo/ })).toBeVisible();
});

test("a device is let in by its code, after signing in", async ({ page, server }) => {
  const asked = await server.call<{ device_code: string; user_code: string }>("POST", "/v1/auth/device", {
    client_name: "a test",
  });
  await page.goto(`/device?code=${asked.user_code}`);
  await page.getByLabel("E-mail").fill(OWNER.email);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Code")).toHaveValue(asked.user_code);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Let it in" }).click();
  await expect(page.getByRole("heading", { name: "The device is in" })).toBeVisible();
  const entered = await server.call<{ access_token: string }>("POST", "/v1/auth/device/token", {
    device_code: asked.device_code,
  });
  expect(entered.access_token).toBeTruthy();
});

test("an unknown device code and a spent link say what to do", async ({ page, watch }) => {
  watch.allow(/status of 404.*device\/approve/);
  watch.allow(/status of 401.*password\/reset/);
  await signIn(page);
  await page.goto("/device");
  await page.getByLabel("Code").fill("BCDF-GHJK");
  await page.getByRole("button", { name: "Let it in" }).click();
  await expect(page.getByText("No device waits with this code")).toBeVisible();
  await page.goto("/reset-password#token=crt_nothing");
  await page.getByLabel("New password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByRole("link", { name: "Send another link" })).toBeVisible();
  await page.getByRole("link", { name: "Send another link" }).click();
  await page.getByLabel("E-mail").fill("nobody@example.com");
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByText("Check your mail")).toBeVisible();
});

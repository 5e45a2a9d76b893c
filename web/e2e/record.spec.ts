import { readFileSync } from "node:fs";
import { expect, expectAccessible, signIn, test, watched } from "./fixtures";
import { runOf, settled } from "./work";

watched();

test("an event is found by filters, and proved in the browser from its bytes to the signature", async ({
  page,
  server,
}) => {
  const run = await runOf(server, "read notes/todo.md");
  await settled(server, run, "succeeded");
  await signIn(page);
  await page.goto("/record");
  const rows = page.getByRole("list", { name: "Record" }).getByRole("listitem");
  await expect(rows.first()).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("combobox", { name: "Kind" }).selectOption("policy.decided");
  await expect(page).toHaveURL(/kind=policy\.decided/);
  await expect(rows.filter({ hasNotText: "policy.decided" })).toHaveCount(0);
  const seqs = (await rows.allInnerTexts()).map((it) => Number.parseInt(it, 10));
  expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
  await page.keyboard.press("Escape");
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/record\/\d+$/);
  await expect(page.getByText("Its bytes have this fingerprint")).toBeVisible();
  await expect(page.getByText("The root is signed by the log's key")).toBeVisible();
  await expect(page.getByText("Ed25519, checked here, by the key that the server names")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Event before" }).click();
  await expect(page.getByText("With", { exact: false }).first()).toBeVisible();
  await page.goto("/record/1");
  await expect(page.getByText("It is the first event of the record.")).toBeVisible();
});

test("an event that was changed on its way is found out", async ({ page, server }) => {
  await settled(server, await runOf(server, "noop"), "succeeded");
  await page.route("**/v1/audit/events?*after=0&*", async (route) => {
    const answer = await route.fetch();
    const text = await answer.text();
    await route.fulfill({ response: answer, body: text.replace('"kind":"', '"kind":"x') });
  });
  await signIn(page);
  await page.goto("/record/1");
  await expect(page.getByText("Its bytes have another fingerprint than the record says")).toBeVisible();
  await expect(page.getByText("It does not lead to the root that was signed")).toBeVisible();
});

test("the record is verified in the browser, by the server, and again from what was seen", async ({
  page,
  server,
}) => {
  await settled(server, await runOf(server, "read notes/todo.md"), "succeeded");
  await signIn(page);
  await page.goto("/record");
  await page.getByRole("link", { name: "Verify" }).click();
  const here = page.getByRole("region", { name: "In this browser" });
  await here.getByRole("button", { name: "Verify here" }).click();
  await expect(here).toContainText("as they were written");
  await expect(here).toContainText("this browser remembers the key");
  const byServer = page.getByRole("region", { name: "By the server" });
  await byServer.getByRole("button", { name: "Let the server verify" }).click();
  await expect(byServer).toContainText("as they were written");
  await expectAccessible(page);
  await here.getByRole("button", { name: "Verify here" }).click();
  await expect(here).toContainText("nothing was rolled back or written anew");
});

test("a record that is not what it was is refused, by the place where it shows", async ({ page, server }) => {
  await settled(server, await runOf(server, "noop"), "succeeded");
  await page.route("**/v1/audit/export", async (route) => {
    const answer = await route.fetch();
    const lines = (await answer.text()).split("\n");
    lines[3] = (lines[3] ?? "").replace('"at":"2', '"at":"3');
    await route.fulfill({ response: answer, body: lines.join("\n") });
  });
  await signIn(page);
  await page.goto("/record/verify");
  await page.getByRole("button", { name: "Verify here" }).click();
  const alert = page.getByRole("region", { name: "In this browser" }).getByRole("alert");
  await expect(alert).toContainText("Event 3 is bad");
  await expect(alert).toContainText("2 events before it are as they were");
  await expectAccessible(page);
});

test("the export is a file with every event and its proof", async ({ page, server }) => {
  await settled(server, await runOf(server, "noop"), "succeeded");
  await signIn(page);
  await page.goto("/record");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const lines = readFileSync(await (await download).path(), "utf8")
    .trimEnd()
    .split("\n");
  const head = JSON.parse(lines[0] ?? "") as { to_seq: number };
  expect(lines).toHaveLength(head.to_seq + 2);
  expect(lines.at(-1)).toContain('"checkpoint"');
});

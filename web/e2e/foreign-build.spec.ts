/**
 * The same as in `foreign.spec.ts`, for agents, skills, tools and nodes: what they are called and what they say is
 * text. The content policy is switched off, so that what holds is how the app shows text.
 */
import type { Page } from "@playwright/test";
import { expect, signIn, test, watched } from "./fixtures";
import { type Canary, canary, MARKDOWN, NAMES, notInert, TRICKS } from "./tricks";
import { fresh } from "./work";

test.use({ place: "foreign-build", bypassCSP: true });
watched();

const IMG = "<img src=x onerror=canary()>";
const LINK = "javascript:canary()";

let heard: Canary;
test.beforeEach(async ({ page }) => {
  heard = await canary(page);
});

async function expectHarmless(page: Page, text: string) {
  await expect(page.getByText(text).first()).toBeVisible();
  expect(await notInert(page)).toEqual([]);
  expect(heard.sung).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1440);
}

test("agents: names, descriptions, instructions, labels, schemas, versions and answers", async ({
  page,
  server,
}) => {
  const name = `${IMG} ${fresh("x")}`;
  const agent = await server.call<{ id: string }>("POST", "/v1/agents", {
    name,
    planner: "model",
    description: `${LINK} ${IMG}`,
    instructions: TRICKS.slice(0, 15_000),
    labels: NAMES.filter((it) => it.trim() === it && !/\p{Cc}/u.test(it)).slice(0, 16),
    output_schema: { type: "object", title: IMG, properties: { [IMG]: { const: IMG } } },
    tools: ["file.read", "skill.read"],
  });
  await server.call("PATCH", `/v1/agents/${agent.id}`, { instructions: `${IMG}\n${LINK}`, max_steps: 9 });
  await signIn(page);
  for (const path of ["", `/${agent.id}`, `/${agent.id}?tab=versions`, `/${agent.id}?tab=try`])
    await page.goto(`/agents${path}`).then(() => expectHarmless(page, name));
  await page.goto(`/agents/${agent.id}/edit`);
  await expectHarmless(page, name);
  // An agent that does what it is told says it back.
  const echo = await server.call<{ id: string }>("POST", "/v1/agents", {
    name: fresh("echo"),
    planner: "rules",
    tools: ["file.read"],
    workspace: "demo",
  });
  await page.goto(`/agents/${echo.id}?tab=try`);
  await page.getByLabel("What to ask").fill(`read "${IMG}.md"`);
  await page.getByRole("button", { name: "Ask it" }).click();
  await expect(page.getByRole("article", { name: "Answer" }).getByText("Failed").first()).toBeVisible();
  await expectHarmless(page, IMG);
});

test("tools and skills: descriptions, addresses, schemas, instructions and what is tried", async ({
  page,
  server,
}) => {
  const tool = fresh("evil");
  await server.call("POST", `/v1/tools/http/${tool}`, {
    description: `${IMG} ${LINK}`,
    url_template: `${server.url}/{x}?q=<svg/onload=canary()>`,
    schema: {
      type: "object",
      title: IMG,
      properties: { x: { type: "string", description: IMG, pattern: IMG }, [IMG]: { enum: [IMG, LINK] } },
    },
  });
  const text = `---\nname: ${fresh("evil")}\ndescription: "${IMG}"\nlicense: "${IMG}"\n---\n\n${TRICKS}\n\n${MARKDOWN.join("\n\n")}`;
  const file = { path: "SKILL.md", content_base64: Buffer.from(text).toString("base64") };
  const skill = await server.call<{ id: string }>("POST", "/v1/skills", { files: [file] });
  await signIn(page);
  for (const path of ["", `/${tool}`, `/${tool}?tab=policies`, `/${tool}?tab=try`, `/${tool}/edit`]) {
    await page.goto(`/tools${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    if (!path.includes("/edit")) await expectHarmless(page, IMG);
  }
  await expect(page.getByLabel("Description")).toHaveValue(`${IMG} ${LINK}`);
  await page.goto("/skills");
  await expectHarmless(page, IMG);
  await page.goto(`/skills/${skill.id}`);
  await expectHarmless(page, "<script>canary()</script>");
  await page.goto("/agents/new");
  await expectHarmless(page, IMG);
});

test("nodes: names, in the list, on their pages and while they are added", async ({ page, server }) => {
  const { node } = await server.call<{ node: { id: string } }>("POST", "/v1/nodes", { name: IMG });
  await signIn(page);
  await page.goto("/nodes");
  await expectHarmless(page, IMG);
  await page.goto(`/nodes/${node.id}`);
  await expectHarmless(page, IMG);
  await page.getByRole("button", { name: "Revoke" }).click();
  await expectHarmless(page, `Revoke ${IMG}?`);
});

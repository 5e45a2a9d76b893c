/**
 * Every page of the app, with an address at which there is something on it. `pages.spec.ts` goes to each, in both
 * themes and three widths, and asks the router whether one is missing; `pictures.spec.ts` compares those that have
 * a picture.
 *
 * A new page is one line here: its address as the router has it, and where it is. What it needs to show something is
 * made in `fill`, and handed to the line as `it`. Whoever wants its looks watched says `picture`, runs
 * `npx playwright test pictures --update-snapshots`, looks at what is new, and commits it.
 */
import type { Page } from "@playwright/test";
import { expect } from "./fixtures";
import type { Server } from "./server";
import { agentNamed, chatWith, person, requestOf, runOf, settled } from "./work";

/** What there is on the server that the pages are looked at. */
export interface Filled {
  run: string;
  failedRun: string;
  approval: string;
  chat: string;
  agent: string;
  guide: string;
  node: string;
  skill: string;
  provider: string;
  profile: string;
  secret: string;
}

export interface PageEntry {
  at: string | ((it: Filled) => string);
  /** For people who are not signed in. */
  isOutside?: boolean;
  /** What is to be seen before the page is whole, where no skeleton says so. */
  shows?: string | RegExp;
  /** Under what name its looks are kept. */
  picture?: string;
}

export const pages: Record<string, PageEntry> = {
  "/": { at: "/" },
  "/sign-in": { at: "/sign-in", isOutside: true, picture: "sign-in" },
  "/sign-up": { at: "/sign-up", isOutside: true },
  "/forgot-password": { at: "/forgot-password", isOutside: true },
  "/reset-password": { at: "/reset-password#token=crt_nothing", isOutside: true },
  "/invitation": { at: "/invitation#token=cin_nothing", isOutside: true },
  "/device": { at: "/device?code=BCDF-GHJK" },
  "/start": { at: (it) => `/start?run=${it.run}`, picture: "start" },
  "/inbox": { at: "/inbox" },
  "/inbox/$approvalId": { at: (it) => `/inbox/${it.approval}`, shows: "notes/friday.md", picture: "request" },
  "/chats": { at: "/chats" },
  "/chats/$sessionId": { at: (it) => `/chats/${it.chat}`, shows: "delivery.md", picture: "chat" },
  "/runs": { at: "/runs", picture: "runs" },
  "/runs/compare": { at: (it) => `/runs/compare?a=${it.run}&b=${it.failedRun}`, shows: /They part at step/ },
  "/runs/$runId": { at: (it) => `/runs/${it.run}?step=2`, shows: "word-count", picture: "run" },
  "/runs/$runId/replay": {
    at: (it) => `/runs/${it.run}/replay`,
    shows: "Identical, byte for byte",
    picture: "replay",
  },
  "/policies": { at: "/policies" },
  "/policies/$name": { at: "/policies/demo", shows: "No mistakes", picture: "policy" },
  "/record": { at: "/record?kind=policy.decided", picture: "record" },
  "/record/$seq": { at: "/record/5", shows: "Ed25519, checked here" },
  "/record/verify": { at: "/record/verify" },
  "/agents": { at: "/agents", picture: "agents" },
  "/agents/new": { at: "/agents/new" },
  "/agents/$agentId": { at: (it) => `/agents/${it.guide}` },
  "/agents/$agentId/edit": { at: (it) => `/agents/${it.guide}/edit` },
  "/skills": { at: "/skills" },
  "/skills/new": { at: "/skills/new" },
  "/skills/$skillId": { at: (it) => `/skills/${it.skill}` },
  "/tools": { at: "/tools" },
  "/tools/http/new": { at: "/tools/http/new" },
  "/tools/$name": { at: "/tools/file.write" },
  "/tools/$name/edit": { at: "/tools/weather/edit" },
  "/nodes": { at: "/nodes" },
  "/nodes/$nodeId": { at: (it) => `/nodes/${it.node}` },
  "/usage": { at: "/usage" },
  "/models": { at: "/models" },
  "/models/providers/$providerId": { at: (it) => `/models/providers/${it.provider}` },
  "/models/profiles/$profileId": { at: (it) => `/models/profiles/${it.profile}` },
  "/budgets": { at: "/budgets" },
  "/budgets/$scope": { at: "/budgets/org" },
  "/search": { at: "/search?q=notes" },
  "/notifications": { at: "/notifications" },
  "/settings": { at: "/settings", picture: "settings" },
  "/settings/organisation": { at: "/settings/organisation" },
  "/grants": { at: "/grants" },
  "/settings/members": { at: "/settings/members" },
  "/settings/keys": { at: "/settings/keys" },
  "/settings/secrets": { at: "/settings/secrets" },
  "/settings/secrets/$secretId": { at: (it) => `/settings/secrets/${it.secret}` },
  "/settings/encryption": { at: "/settings/encryption" },
  "/settings/activity": { at: "/settings/activity" },
  "/settings/notifications": { at: "/settings/notifications" },
  "/settings/account": { at: "/settings/account" },
};

/** Makes what the pages show: the same each time, but for times and ids. */
export async function fill(server: Server): Promise<Filled> {
  const first = async (path: string, name?: string) => {
    const { items } = await server.call<{ items: { id: string; name: string }[] }>("GET", path);
    return (name ? items.find((it) => it.name === name) : items[0])?.id ?? "";
  };
  const told = async (session: string, content: string) => {
    const path = `/v1/sessions/${session}/messages`;
    return (await server.call<{ run: { id: string } }>("POST", path, { content })).run.id;
  };
  const made = async (path: string, body: object) =>
    (await server.call<{ id: string }>("POST", path, body)).id;
  await server.call("POST", "/v1/tools/http/weather", {
    description: "Tells the weather of a place.",
    url_template: "https://weather.example/v1/{place}",
    schema: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
  });
  await server.call("PUT", "/v1/budgets/org", { monthly_usd_micros: 30_000_000 });
  await person(server, "admin", "Ada Lovelace");
  await person(server, "viewer", "Vera Wang");
  const chat = await chatWith(server, "demo", "What is left for Friday");
  await settled(server, await told(chat, "read notes/todo.md; list docs"), "succeeded");
  const run = await runOf(
    server,
    "read notes/todo.md; run skill word-count on notes/todo.md; list docs",
    "demo",
    "Counting words",
  );
  await settled(server, run, "succeeded");
  const failedRun = await runOf(server, "read notes/none.md", "demo", "A file that is not there");
  await settled(server, failedRun, "failed");
  await settled(server, await runOf(server, "list the files", "guide", "Which files are there"), "succeeded");
  const waiting = await runOf(
    server,
    'write notes/friday.md: "Apples go out first.\\nThen pears."',
    "demo",
    "A note for Friday",
  );
  await settled(server, waiting, "waiting");
  return {
    run,
    failedRun,
    approval: await requestOf(server, waiting),
    chat,
    agent: await agentNamed(server, "demo"),
    guide: await agentNamed(server, "guide"),
    node: await first("/v1/nodes"),
    skill: await first("/v1/skills", "word-count"),
    provider: await first("/v1/providers"),
    profile: await first("/v1/model-profiles"),
    secret: await made("/v1/secrets", { name: "weather-key", value: "not a secret at all" }),
  };
}

/** Goes to a page, and waits until it is whole. */
export async function visit(page: Page, entry: PageEntry, it: Filled) {
  await page.goto(typeof entry.at === "string" ? entry.at : entry.at(it));
  await expect(page.getByRole("heading").first()).toBeVisible();
  if (!entry.isOutside) expect(new URL(page.url()).pathname).not.toBe("/sign-in");
  if (entry.shows) await expect(page.getByText(entry.shows).filter({ visible: true }).first()).toBeVisible();
  await expect(page.locator(".animate-pulse-soft, [role=status][aria-label^=Loading]")).toHaveCount(0);
}

/** Is signed in without the form, which would refuse to be used this often: the cookie's part is played here. */
export async function isSignedIn(page: Page, server: Server) {
  const signedIn = await server.signedIn();
  await page.addInitScript((id) => localStorage.setItem("chancery.signed-in", id), signedIn.user.id);
  await page.route("**/v1/auth/refresh", (route) => route.fulfill({ json: signedIn }));
}

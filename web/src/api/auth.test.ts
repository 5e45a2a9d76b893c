import { beforeEach, expect, test, vi } from "vitest";

type AuthModule = typeof import("./auth");
type ClientModule = typeof import("./client");

const org = (id: string) => ({ id, name: id, role: "member" }) as never;
const signedIn = (user: string, token: string) =>
  ({ user: { id: user, name: user, email: user }, access_token: token, expires_in: 900 }) as never;
const renewed = (user: string, token: string, orgs = ["org_1"]) =>
  Response.json({ user: { id: user }, access_token: token, expires_in: 900, orgs: orgs.map(org) });

let auth: AuthModule;
let client: ClientModule;
/** What was asked of the server, as `METHOD path token organisation`. */
let asked: string[];
let answer: (request: Request) => Response | Promise<Response>;

beforeEach(async () => {
  localStorage.clear();
  vi.resetModules();
  asked = [];
  answer = () => new Response(null, { status: 401 });
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = new Request(new URL(input instanceof Request ? input.url : input, location.origin), {
      ...(input instanceof Request ? { method: input.method, headers: input.headers } : init),
      credentials: "same-origin",
    });
    const token = request.headers.get("authorization")?.replace("Bearer ", "") ?? "-";
    const inOrg = request.headers.get("x-org-id") ?? "-";
    asked.push(`${request.method} ${new URL(request.url).pathname} ${token} ${inOrg}`);
    return answer(request);
  });
  auth = await import("./auth");
  client = await import("./client");
});

const isRefresh = (request: Request) => request.url.endsWith("/auth/refresh");
const elsewhere = (hint: string | null) => {
  if (hint === null) localStorage.removeItem("chancery.signed-in");
  else localStorage.setItem("chancery.signed-in", hint);
  window.dispatchEvent(new StorageEvent("storage", { key: "chancery.signed-in", newValue: hint }));
};
const post = () => client.authorisedFetch(new Request(`${location.origin}/v1/agents`, { method: "POST" }));

test("a refused request is repeated once with a new token, for the same person and organisation", async () => {
  auth.enter(signedIn("usr_a", "old"), [org("org_1")]);
  answer = (request) =>
    isRefresh(request)
      ? renewed("usr_a", "new")
      : new Response(null, { status: request.headers.get("authorization") === "Bearer new" ? 200 : 401 });
  expect((await post()).status).toBe(200);
  expect(asked).toEqual([
    "POST /v1/agents old org_1",
    "POST /v1/auth/refresh - -",
    "POST /v1/agents new org_1",
  ]);
});

test("a renewal that answers with somebody else is not taken, and nothing is repeated as them", async () => {
  auth.enter(signedIn("usr_a", "old"), [org("org_1")]);
  answer = (request) => (isRefresh(request) ? renewed("usr_b", "new") : new Response(null, { status: 401 }));
  await expect(post()).rejects.toMatchObject({ name: "SignInChanged" });
  expect(asked).toEqual(["POST /v1/agents old org_1", "POST /v1/auth/refresh - -"]);
  expect(auth.currentAuth()).toEqual({ status: "other" });
  await expect(post()).rejects.toMatchObject({ name: "SignInChanged" });
  expect(asked).toHaveLength(2);
});

test("an organisation that was left meanwhile is not acted in, nor another one in its place", async () => {
  auth.enter(signedIn("usr_a", "old"), [org("org_1")]);
  answer = (request) =>
    isRefresh(request) ? renewed("usr_a", "new", ["org_2"]) : new Response(null, { status: 401 });
  await expect(post()).rejects.toMatchObject({ name: "SignInChanged" });
  expect(asked.filter((it) => it.includes("agents"))).toEqual(["POST /v1/agents old org_1"]);
  expect(auth.currentAuth()).toMatchObject({ status: "in", org: { id: "org_2" } });
});

test("a renewal that began before signing in again, or before signing out, changes nothing", async () => {
  auth.enter(signedIn("usr_a", "old"), [org("org_1")]);
  let tell: (response: Response) => void = () => undefined;
  answer = () => new Promise<Response>((resolve) => (tell = resolve));
  const first = auth.renew("old");
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  auth.leave();
  auth.enter(signedIn("usr_b", "other"), [org("org_2")]);
  tell(renewed("usr_a", "late"));
  expect(await first).toBe("other");
  expect(auth.currentAuth()).toMatchObject({ status: "in", user: { id: "usr_b" } });

  const second = auth.renew("other");
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  auth.leave();
  tell(new Response(null, { status: 401 }));
  expect(await second).toBeUndefined();
  expect(auth.currentAuth()).toEqual({ status: "out" });
});

test("while somebody signs out nothing is asked any more, and what fails signs nobody out", async () => {
  auth.enter(signedIn("usr_a", "token"), [org("org_1")]);
  answer = () => new Response(null, { status: 200 });
  let fail: (error: Error) => void = () => undefined;
  const failing = auth.signOutBy(() => new Promise((_, reject) => (fail = reject)));
  const waiting = post();
  await new Promise((resolve) => setTimeout(resolve));
  expect(asked).toEqual([]);
  fail(new Error("no"));
  await expect(failing).rejects.toThrow("no");
  expect((await waiting).status).toBe(200);
  expect(auth.currentAuth()).toMatchObject({ status: "in" });

  let done: (value: unknown) => void = () => undefined;
  const ending = auth.signOutBy(() => new Promise((resolve) => (done = resolve)));
  const late = post();
  done(undefined);
  await ending;
  await expect(late).rejects.toMatchObject({ name: "SignInChanged" });
  expect(asked).toHaveLength(1);
  expect(auth.currentAuth()).toEqual({ status: "out", byChoice: true });
});

test("a tab hears of another tab that signs out, or signs in as somebody else", () => {
  auth.enter(signedIn("usr_a", "token"), [org("org_1")]);
  elsewhere("usr_a");
  expect(auth.currentAuth()).toMatchObject({ status: "in" });
  elsewhere("usr_b");
  expect(auth.currentAuth()).toEqual({ status: "other" });
  auth.enter(signedIn("usr_a", "token"), [org("org_1")]);
  elsewhere(null);
  expect(auth.currentAuth()).toEqual({ status: "out" });
});

test("a tab that did not hear of it looks before it renews", async () => {
  auth.enter(signedIn("usr_a", "token"), [org("org_1")]);
  localStorage.setItem("chancery.signed-in", "usr_b");
  await auth.renew("token");
  expect(asked).toEqual([]);
  expect(auth.currentAuth()).toEqual({ status: "other" });
});

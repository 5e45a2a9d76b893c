/**
 * Who is signed in, in this tab.
 *
 * The access token lives in this module's memory and nowhere else; the refresh token is a cookie that
 * scripts can't read. A refresh token works once, so tabs take turns (`navigator.locks`), requests that
 * wait for a new token share one renewal, and a renewal outlives the page that began it (`keepalive`):
 * otherwise a reload at the wrong moment would spend the cookie without bringing the new one.
 *
 * The cookie belongs to all tabs, so another tab may sign in as somebody else. No tab follows it there: what
 * it shows, and what somebody wrote in it, belongs to the person that it began with. It hears of the other
 * one by the browser's storage, or at the latest from the next renewal, and says so (`other`).
 */
import { ApiError, problemOf, SignInChanged, Unreachable } from "./problem";
import type { components } from "./schema";

type Schemas = components["schemas"];
type User = Schemas["UserView"];
export type Org = Schemas["OrgView"];

export type Auth =
  | { status: "unknown" }
  /** `byChoice`: whoever was here signed out here. */
  | { status: "out"; byChoice?: true }
  /** Another tab has signed in as somebody else. Only loading the page anew leads on. */
  | { status: "other" }
  | { status: "in"; user: User; orgs: Org[]; org: Org | undefined };

interface Token {
  value: string;
  expiresAt: number;
}

/** A token is renewed this long before it ends, so that no request has to be told. */
const MARGIN_MS = 30_000;
/** Whose cookie there may be. Without it a first visit would ask in vain, and log an error. */
const HINT = "chancery.signed-in";
const LAST_ORG = "chancery.org";

let auth: Auth = { status: "unknown" };
let token: Token | undefined;
let renewal: Promise<string | undefined> | undefined;
let ending: Promise<void> | undefined;
/** Counts who came and went here: an answer to a renewal that began before is of no use any more. */
let generation = 0;
const listeners = new Set<() => void>();

export const currentAuth = () => auth;

export function subscribeAuth(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(next: Auth) {
  auth = next;
  for (const listener of listeners) listener();
}

/** The organisation that requests act in. */
export const currentOrgId = () => (auth.status === "in" ? auth.org?.id : undefined);

/** Whose data there is: one person's, in one organisation. Empty while nobody is signed in. */
export const identity = () => (auth.status === "in" ? `${auth.user.id}.${auth.org?.id ?? ""}` : "");

interface SignedIn {
  user: User;
  access_token: string;
  expires_in: number;
}

/** Takes what signing in or registering answered with. */
export function enter(signedIn: SignedIn, orgs: Org[], preferredOrg?: string) {
  generation += 1;
  take(signedIn, orgs, preferredOrg);
}

function take(signedIn: SignedIn, orgs: Org[], preferredOrg?: string) {
  token = { value: signedIn.access_token, expiresAt: Date.now() + signedIn.expires_in * 1000 };
  localStorage.setItem(HINT, signedIn.user.id);
  const wanted = preferredOrg ?? currentOrgId() ?? localStorage.getItem(LAST_ORG);
  const org = orgs.find((it) => it.id === wanted) ?? orgs[0];
  set({ status: "in", user: signedIn.user, orgs, org });
}

export function chooseOrg(orgId: string) {
  if (auth.status !== "in") return;
  const org = auth.orgs.find((it) => it.id === orgId);
  if (!org) return;
  localStorage.setItem(LAST_ORG, orgId);
  set({ ...auth, org });
}

/** Adds an organisation, or takes its new name, and goes there. */
export function joinOrg(org: Org) {
  if (auth.status !== "in") return;
  localStorage.setItem(LAST_ORG, org.id);
  set({ ...auth, orgs: [...auth.orgs.filter((it) => it.id !== org.id), org], org });
}

/** Nobody is signed in any more: by choice, or because the sign-in ended. */
export function leave(byChoice?: "by-choice") {
  localStorage.removeItem(HINT);
  forget(byChoice ? { status: "out", byChoice: true } : { status: "out" });
}

/** Signs out by what `ask` asks of the server. Until that is answered, nothing else is asked. */
export function signOutBy(ask: () => Promise<unknown>): Promise<void> {
  ending ??= exclusively(ask)
    .then(() => leave("by-choice"))
    .finally(() => {
      ending = undefined;
    });
  return ending;
}

function forget(next: Auth) {
  generation += 1;
  token = undefined;
  set(next);
}

/** Looks whether the cookie is still that of the person here. Whoever signed out did it in all tabs. */
function look() {
  const hint = localStorage.getItem(HINT);
  if (auth.status !== "in" || hint === auth.user.id) return;
  forget(hint === null ? { status: "out" } : { status: "other" });
}

window.addEventListener("storage", (event) => {
  // No key: all of the storage was emptied.
  if (event.key === HINT || event.key === null) look();
});

/** Finds out whether somebody is signed in; once, when the app starts. */
export async function resume(): Promise<Auth> {
  if (auth.status !== "unknown") return auth;
  if (localStorage.getItem(HINT) === null) {
    set({ status: "out" });
    return auth;
  }
  await renew();
  return auth;
}

/** A token that is good for a request now; undefined if nobody is signed in. */
export async function accessToken(): Promise<string | undefined> {
  await ending?.catch(() => undefined);
  if (auth.status === "out") return undefined;
  if (auth.status === "other") throw new SignInChanged();
  if (token && token.expiresAt - MARGIN_MS > Date.now()) return token.value;
  return renew();
}

/** A new token in place of one that was refused. Many callers share one renewal. */
export function renew(refused?: string): Promise<string | undefined> {
  if (refused && token && token.value !== refused) return Promise.resolve(token.value);
  const began = generation;
  renewal ??= exclusively(async () => {
    look();
    return generation === began ? askForTokens(began) : token?.value;
  }).finally(() => {
    renewal = undefined;
  });
  return renewal;
}

/** What takes, changes or ends the cookie happens in one tab at a time, and one after the other. */
export function exclusively<T>(work: () => Promise<T>): Promise<T> {
  // Only where the page came by HTTPS or from this machine; elsewhere a race is told with 409.
  if (!navigator.locks) return work();
  return navigator.locks.request("chancery.refresh", work) as Promise<T>;
}

async function askForTokens(began: number, attempt = 0): Promise<string | undefined> {
  let response: Response;
  try {
    response = await fetch("/v1/auth/refresh", {
      method: "POST",
      keepalive: true,
      credentials: "same-origin",
    });
  } catch (error) {
    throw new Unreachable(error);
  }
  if (response.ok) {
    const signedIn = (await response.json()) as Schemas["SignedInView"];
    if (generation !== began) return token?.value;
    if (auth.status === "in" && auth.user.id !== signedIn.user.id) {
      localStorage.setItem(HINT, signedIn.user.id);
      forget({ status: "other" });
      throw new SignInChanged();
    }
    take(signedIn, signedIn.orgs);
    return signedIn.access_token;
  }
  if (response.status === 401) {
    if (generation === began) leave();
    return token?.value;
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 409 && attempt < 3) {
    // Another tab was first; its cookie is in the jar in a moment.
    await new Promise((resolve) => setTimeout(resolve, 150 * (attempt + 1)));
    return askForTokens(began, attempt + 1);
  }
  throw new ApiError(problemOf(response.status, body));
}

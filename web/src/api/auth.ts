/**
 * Who is signed in, in this tab.
 *
 * The access token lives in this module's memory and nowhere else; the refresh token is a cookie that
 * scripts can't read. A refresh token works once, so tabs take turns (`navigator.locks`), requests that
 * wait for a new token share one renewal, and a renewal outlives the page that began it (`keepalive`):
 * otherwise a reload at the wrong moment would spend the cookie without bringing the new one.
 */
import { ApiError, problemOf, Unreachable } from "./problem";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type User = Schemas["UserView"];
export type Org = Schemas["OrgView"];

export type Auth =
  | { status: "unknown" }
  | { status: "out" }
  | { status: "in"; user: User; orgs: Org[]; org: Org | undefined };

interface Token {
  value: string;
  expiresAt: number;
}

/** A token is renewed this long before it ends, so that no request has to be told. */
const MARGIN_MS = 30_000;
/** Says that there may be a cookie. Without it a first visit would ask in vain, and log an error. */
const HINT = "chancery.signed-in";
const LAST_ORG = "chancery.org";

let auth: Auth = { status: "unknown" };
let token: Token | undefined;
let renewal: Promise<string | undefined> | undefined;
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

interface SignedIn {
  user: User;
  access_token: string;
  expires_in: number;
}

/** Takes what signing in, registering or renewing answered with. */
export function enter(signedIn: SignedIn, orgs: Org[], preferredOrg?: string) {
  token = { value: signedIn.access_token, expiresAt: Date.now() + signedIn.expires_in * 1000 };
  localStorage.setItem(HINT, "1");
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

export function leave() {
  token = undefined;
  localStorage.removeItem(HINT);
  set({ status: "out" });
}

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
  if (auth.status === "out") return undefined;
  if (token && token.expiresAt - MARGIN_MS > Date.now()) return token.value;
  return renew();
}

/** A new token in place of one that was refused. Many callers share one renewal. */
export function renew(refused?: string): Promise<string | undefined> {
  if (refused && token && token.value !== refused) return Promise.resolve(token.value);
  renewal ??= exclusively(askForTokens).finally(() => {
    renewal = undefined;
  });
  return renewal;
}

function exclusively<T>(work: () => Promise<T>): Promise<T> {
  // Only where the page came by HTTPS or from this machine; elsewhere a race is told with 409.
  if (!navigator.locks) return work();
  return navigator.locks.request("chancery.refresh", work) as Promise<T>;
}

async function askForTokens(attempt = 0): Promise<string | undefined> {
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
    enter(signedIn, signedIn.orgs);
    return signedIn.access_token;
  }
  if (response.status === 401) {
    leave();
    return undefined;
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 409 && attempt < 3) {
    // Another tab was first; its cookie is in the jar in a moment.
    await new Promise((resolve) => setTimeout(resolve, 150 * (attempt + 1)));
    return askForTokens(attempt + 1);
  }
  throw new ApiError(problemOf(response.status, body));
}

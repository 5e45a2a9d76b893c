/** Where somebody wanted to go before signing in. Only ever an address of this app, read as a browser does. */
export function safeNext(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/")) return "/";
  const url = URL.canParse(next, location.origin) ? new URL(next, location.origin) : undefined;
  const path = url ? url.pathname + url.search + url.hash : "";
  // Two slashes at the beginning would be another host.
  return url?.origin === location.origin && !path.startsWith("//") ? path : "/";
}

/** The token behind `#token=` of a link that was mailed. It stays out of the history and of any log. */
export function takeToken(hash: string): string | undefined {
  const token = new URLSearchParams(hash.replace(/^#/, "")).get("token");
  if (token) history.replaceState(history.state, "", location.pathname + location.search);
  return token ?? undefined;
}

const INVITATION = "chancery.invitation";

/** Keeps the token of an invitation over the way through signing in. */
export const keepInvitation = (token: string) => sessionStorage.setItem(INVITATION, token);
export const keptInvitation = () => sessionStorage.getItem(INVITATION) ?? undefined;
export const forgetInvitation = () => sessionStorage.removeItem(INVITATION);

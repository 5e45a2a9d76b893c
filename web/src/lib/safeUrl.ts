/** Where a link in somebody else's text may lead: to a page or a mail, and never into a script. Pure. */
export function safeUrl(href: string | null | undefined): string | undefined {
  // Browsers ignore controls and spaces inside a scheme, so they are taken out before it is read.
  const plain = [...(href ?? "")].filter((it) => it > " " && it !== "\u007f").join("");
  if (/^(https?:\/\/|mailto:)/i.test(plain)) return plain;
  return /^[a-z][a-z0-9+.-]*:/i.test(plain) || plain.startsWith("//") || plain.includes("\\")
    ? undefined
    : inApp(plain);
}

/** An address of this app, or a place on this page. */
const inApp = (plain: string) => (plain.startsWith("/") || plain.startsWith("#") ? plain : undefined);

/** The artifact that an image's address names. */
export const artifactIn = (href: string) => /\b(art_[0-9a-f-]{36})\b/.exec(href)?.[1];

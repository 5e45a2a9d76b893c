/** What a browser or a command line calls itself, as people would. Pure. */

const browsers: readonly [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const systems: readonly [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/Linux|X11/, "Linux"],
];

const first = (all: readonly [RegExp, string][], text: string) => all.find(([sign]) => sign.test(text))?.[1];

/** `Firefox on Linux`; what is no browser keeps its own name. */
export function clientName(client: string | null | undefined): string | undefined {
  if (!client) return undefined;
  const browser = first(browsers, client);
  if (!browser || !client.startsWith("Mozilla/")) return client;
  const system = first(systems, client);
  return system ? `${browser} on ${system}` : browser;
}

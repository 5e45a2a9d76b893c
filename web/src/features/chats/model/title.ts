/** What a chat is called that nobody named: the beginning of what was said first. Pure. */

const LONGEST = 60;

export function titleFrom(message: string): string {
  const words = message
    .replace(/^(\s*@[\p{L}\p{N}-]+)+/u, "")
    .replace(/[`*_#>]/g, "")
    .trim();
  const line = words.split("\n")[0]?.trim() ?? "";
  if (line.length <= LONGEST) return line;
  const cut = line.slice(0, LONGEST);
  const space = cut.lastIndexOf(" ");
  return `${(space > LONGEST / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}

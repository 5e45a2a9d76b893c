/** Cedar's words, for an editor that colours them and completes them. */
import { HighlightStyle, StreamLanguage, type StringStream } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const keywords = new Set(["permit", "forbid", "when", "unless"]);
const operators = new Set(["in", "has", "like", "is", "if", "then", "else"]);
const atoms = new Set(["true", "false"]);
const variables = new Set(["principal", "action", "resource", "context"]);

/** The kind of the next word, by the names that `StreamLanguage` gives to kinds. Moves the stream behind it. */
export function token(
  stream: Pick<StringStream, "match" | "next" | "eatSpace" | "skipToEnd">,
): string | null {
  if (stream.eatSpace()) return null;
  if (stream.match("//")) {
    stream.skipToEnd();
    return "comment";
  }
  if (stream.match(/^@[A-Za-z_]\w*/)) return "meta";
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
  if (stream.match(/^\d+/)) return "number";
  const type = stream.match(/^[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*::/);
  if (type) return "typeName";
  const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
  if (word) {
    const name = word[0];
    if (keywords.has(name)) return "keyword";
    if (operators.has(name)) return "operatorKeyword";
    if (atoms.has(name)) return "atom";
    return variables.has(name) ? "variableName.special" : "propertyName";
  }
  if (stream.match(/^(?:&&|\|\||==|!=|<=|>=|[<>!+\-*])/)) return "operator";
  stream.next();
  return "punctuation";
}

export const cedar = StreamLanguage.define<null>({
  name: "cedar",
  startState: () => null,
  token,
  languageData: { commentTokens: { line: "//" }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
});

export const cedarColours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent-text)", fontWeight: "600" },
  { tag: tags.operatorKeyword, color: "var(--accent-text)" },
  { tag: tags.meta, color: "var(--warn)" },
  { tag: tags.string, color: "var(--ok)" },
  { tag: [tags.number, tags.atom], color: "var(--bad)" },
  { tag: tags.special(tags.variableName), color: "var(--text)", fontWeight: "600" },
  { tag: tags.typeName, color: "var(--muted)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
]);

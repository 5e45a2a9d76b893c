/**
 * Somebody else's text, as Markdown. The text is parsed into tokens and those become React elements: no
 * piece of it is ever markup. HTML in it is shown as it was written, links lead where `safeUrl` allows,
 * and a picture is shown only if it is an artifact of ours.
 */
import { lexer, type Token, type Tokens } from "marked";
import { Fragment, memo, type ReactNode, useMemo } from "react";
import { ArtifactImage } from "@/features/artifacts/ui/ArtifactImage";
import { artifactIn, safeUrl } from "@/lib/safeUrl";
import { t } from "@/strings";
import { Code } from "./Code";

interface BlockProps {
  token: Token;
  /** What the references of the whole text lead to. */
  links: string;
}

/** A block of the text. While text streams in, only the last block is drawn anew. */
const Block = memo(
  ({ token }: BlockProps) => node(token),
  (before, now) => before.token.raw === now.token.raw && before.links === now.links,
);

export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => lexer(text, { gfm: true }), [text]);
  const links = JSON.stringify(blocks.links);
  return (
    <div className="flex flex-col gap-3 text-base leading-6 break-words">
      {blocks.map((block, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are known by their places; text grows at its end
        <Block key={at} token={block} links={links} />
      ))}
    </div>
  );
}

const nodes = (tokens: Token[] | undefined): ReactNode =>
  // biome-ignore lint/suspicious/noArrayIndexKey: the tokens of a text are known by their places
  tokens?.map((token, at) => <Fragment key={at}>{node(token)}</Fragment>);

function node(token: Token): ReactNode {
  const it = token as Tokens.Generic;
  switch (token.type) {
    case "paragraph":
      return <p>{nodes(it.tokens)}</p>;
    case "heading":
      return <Heading depth={Number(it.depth)}>{nodes(it.tokens)}</Heading>;
    case "code":
      return <Code text={token.text} label={it.lang || t.common.code} />;
    case "blockquote":
      return (
        <blockquote className="flex flex-col gap-2 border-l-2 pl-3 text-muted">{nodes(it.tokens)}</blockquote>
      );
    case "list":
      return <List list={token as Tokens.List} />;
    case "table":
      return <Table table={token as Tokens.Table} />;
    case "hr":
      return <hr />;
    case "strong":
      return <strong className="font-semibold">{nodes(it.tokens)}</strong>;
    case "em":
      return <em>{nodes(it.tokens)}</em>;
    case "del":
      return <del>{nodes(it.tokens)}</del>;
    case "codespan":
      return <code className="rounded-sm bg-hover px-1 py-px font-mono text-[0.85em]">{token.text}</code>;
    case "br":
      return <br />;
    case "link":
      return <SafeLink href={it.href}>{nodes(it.tokens)}</SafeLink>;
    case "image": {
      const artifact = artifactIn(it.href);
      return artifact ? (
        <ArtifactImage id={artifact} name={it.text} />
      ) : (
        <SafeLink href={it.href}>{it.text || it.href}</SafeLink>
      );
    }
    case "checkbox":
      return null;
    case "space":
    case "def":
      return null;
    case "escape":
      return token.text;
    case "text":
      return it.tokens ? nodes(it.tokens) : token.text;
    // As it was written.
    case "html":
      return it.block ? <p className="whitespace-pre-wrap">{token.raw.trim()}</p> : token.raw;
    default:
      // Whatever else there may be: as it was written.
      return token.raw;
  }
}

function SafeLink({ href, children }: { href: string; children: ReactNode }) {
  const safe = safeUrl(href);
  if (!safe) return <span>{children}</span>;
  return (
    <a
      href={safe}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="text-accent-text underline underline-offset-2"
    >
      {children}
    </a>
  );
}

/** Headings of a text stand below those of the page. */
function Heading({ depth, children }: { depth: number; children: ReactNode }) {
  const look = depth <= 2 ? "text-lg font-semibold" : "text-base font-semibold";
  return (
    // biome-ignore lint/a11y/useSemanticElements: its level is not known before the text is
    <p role="heading" aria-level={Math.min(6, depth + 2)} className={look}>
      {children}
    </p>
  );
}

function List({ list }: { list: Tokens.List }) {
  const Tag = list.ordered ? "ol" : "ul";
  const start =
    list.ordered && typeof list.start === "number" && list.start !== 1 ? { start: list.start } : {};
  return (
    <Tag {...start} className={list.ordered ? "list-decimal pl-6" : "list-disc pl-6"}>
      {list.items.map((item, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the items of a list are known by their places
        <li key={at} className={item.task ? "-ml-5 list-none" : "pl-1"}>
          {item.task && (
            <input
              type="checkbox"
              checked={item.checked === true}
              readOnly
              disabled
              aria-label={item.text.replace(/^\[.\]\s*/, "").slice(0, 80)}
              className="mr-2 align-middle"
            />
          )}
          {nodes(item.tokens)}
        </li>
      ))}
    </Tag>
  );
}

function Table({ table }: { table: Tokens.Table }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: it is a region only so that it can be scrolled by keys
    <div
      role="region"
      aria-label={table.header.map((cell) => cell.text).join(", ")}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
      className="overflow-x-auto"
    >
      <table className="w-full border-collapse text-sm">
        <thead>
          <tr>
            {table.header.map((cell, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: cells are known by their places
              <th key={at} className="border-b px-2 py-1 text-left font-semibold">
                {nodes(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows are known by their places
            <tr key={at}>
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: cells are known by their places
                <td key={column} className="border-b px-2 py-1 align-top">
                  {nodes(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/**
 * What somebody would write who wants a script to run, a request to leave, or a page to break; and how one sees
 * that none of it became more than text.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";

const strings = join(import.meta.dirname, "../../tests/python/data/naughty_strings.json");

/** The big list of naughty strings. */
export const NAUGHTY: readonly string[] = (JSON.parse(readFileSync(strings, "utf8")) as string[]).filter(
  (it) => it.trim() !== "",
);

/** Called by every trick of ours that runs. */
const BOOM = "canary()";

/** Markup, for places that show text as it is, and for those that read Markdown. */
export const MARKUP = [
  `<img src=x onerror=${BOOM}>`,
  `<script>${BOOM}</script>`,
  `<ScRiPt src="https://evil.example/x.js"></sCrIpT>`,
  `<svg/onload=${BOOM}>`,
  `<svg><animate onbegin=${BOOM} attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${BOOM}"><text y=20>svg</text></a></svg>`,
  `<svg><foreignObject><iframe src="javascript:${BOOM}"></iframe></foreignObject></svg>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${BOOM}>`,
  `<a href="javascript:${BOOM}">a</a>`,
  `<a href="&#106;avascript&colon;${BOOM}">a</a>`,
  `<iframe srcdoc="<script>parent.${BOOM}</script>"></iframe>`,
  `<object data="javascript:${BOOM}"></object><embed src="javascript:${BOOM}">`,
  `<form action="https://evil.example/"><button>go</button></form>`,
  `<meta http-equiv="refresh" content="0;url=https://evil.example/">`,
  `<base href="https://evil.example/">`,
  `<link rel="stylesheet" href="https://evil.example/x.css">`,
  `<style>@import "https://evil.example/x.css"; * { display: none }</style>`,
  `<img srcset="https://evil.example/pixel.png 1x" src="https://evil.example/pixel.png">`,
  `<video poster="https://evil.example/v.png"><source src=x onerror=${BOOM}></video>`,
  `<details open ontoggle=${BOOM}>`,
  `<input autofocus onfocus=${BOOM}>`,
  `<noscript><p title="</noscript><img src=x onerror=${BOOM}>">`,
  `"><img src=x onerror=${BOOM}>`,
  `'-${BOOM}-'`,
  `\${${BOOM}}{{constructor.constructor('${BOOM}')()}}`,
  `</textarea></title></script><img src=x onerror=${BOOM}>`,
  `\u202e<img src=x onerror=${BOOM}>\u202c`,
];

/** What Markdown could be talked into. */
export const MARKDOWN = [
  `[click](javascript:${BOOM})`,
  `[click](JaVaScRiPt:${BOOM})`,
  `[click](java\tscript:${BOOM})`,
  `[click](\u0001javascript:${BOOM})`,
  `[click](&#x6A;avascript&colon;${BOOM})`,
  `[click](javascript&#58;${BOOM})`,
  `[click](javascript%3A${BOOM})`,
  `[click](<javascript:${BOOM}>)`,
  `[click](vbscript:msgbox(1))`,
  `[click](data:text/html;base64,PHNjcmlwdD5jYW5hcnkoKTwvc2NyaXB0Pg==)`,
  `[click](blob:https://evil.example/x)`,
  `[click](file:///etc/passwd)`,
  `[click](//evil.example/x)`,
  `[click](/\\evil.example/x)`,
  `[click](\\\\evil.example\\x)`,
  `[click](https://evil.example/x "title\\" onclick=${BOOM}")`,
  `![pixel](https://evil.example/pixel.png)`,
  `![x](javascript:${BOOM})`,
  `![x](data:image/svg+xml,<svg onload=${BOOM}/>)`,
  `![x" onerror="${BOOM}](x)`,
  `[![x](https://evil.example/p.png)](javascript:${BOOM})`,
  `<javascript:${BOOM}>`,
  `<https://evil.example/auto> https://evil.example/bare www.evil.example`,
  `<x@evil.example> mailto:x@evil.example`,
  `[ref]: javascript:${BOOM}\n\n[ref] ![ref]`,
  `[pic]: https://evil.example/ref.png "x"\n\n![pic]`,
  `\`\`\`"><img src=x onerror=${BOOM}>\n</code></pre><script>${BOOM}</script>\n\`\`\``,
  `| <img src=x onerror=${BOOM}> | b |\n|---|---|\n| [x](javascript:${BOOM}) | <script>${BOOM}</script> |`,
  `> <script>${BOOM}</script>\n>\n> - [ ] <img src=x onerror=${BOOM}>`,
  `# <svg/onload=${BOOM}>`,
  `${"[".repeat(400)}x${"](javascript:canary())".repeat(400)}`,
  `${"> ".repeat(150)}deep`,
];

/** All of them as one text of many paragraphs. */
export const TRICKS = [...MARKUP, ...MARKDOWN].join("\n\n");

/** Those that fit where a name stands, in one line. */
export const NAMES = [...MARKUP, ...NAUGHTY].filter((it) => it.length <= 120 && !/[\n\r]/.test(it));

export interface Canary {
  /** What ran that must not. */
  sung: string[];
}

/** Hears scripts that run: by the function that the tricks call, and by the dialogs of the naughty strings. */
export async function canary(page: Page): Promise<Canary> {
  const sung: string[] = [];
  await page.exposeFunction("canary", () => void sung.push("canary()"));
  page.on("dialog", (dialog) => {
    sung.push(`${dialog.type()}: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("popup", (popup) => void sung.push(`popup: ${popup.url()}`));
  return { sung };
}

/** What stands in the page that foreign text could have become; nothing, if all of it is text. */
export const notInert = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const banned =
      /^(script|iframe|frame|object|embed|applet|base|meta|link|style|marquee|video|audio|source|math|foreignobject|animate|set|use|image)$/;
    const addresses =
      /^(href|src|srcset|action|formaction|data|poster|background|ping|cite|xlink:href|srcdoc)$/;
    const problems: string[] = [];
    const isOurs = (element: Element, name: string, value: string) => {
      const url = URL.parse(value, location.href);
      if (!url) return false;
      if (url.protocol === "blob:") return element.localName === "img" && name === "src";
      if (url.origin === location.origin) return true;
      // The one way out: a link that somebody follows, and that tells nobody where it was.
      const rel = element.getAttribute("rel") ?? "";
      const isLink = element.localName === "a" && name === "href" && /^(https?|mailto):$/.test(url.protocol);
      return isLink && rel.includes("noopener") && rel.includes("noreferrer");
    };
    for (const element of document.body.querySelectorAll("*")) {
      const report = (what: string) => problems.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
      if (banned.test(element.localName.toLowerCase())) report("element");
      for (const { name, value } of element.attributes) {
        const lower = name.toLowerCase();
        if (lower.startsWith("on")) report(name);
        if (lower === "style" && /url\(|expression/i.test(value)) report(name);
        if (addresses.test(lower) && !isOurs(element, lower, value)) report(name);
      }
    }
    return problems;
  });

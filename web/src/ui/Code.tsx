import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { cx } from "@/lib/cx";
import type { Fold, Line } from "@/lib/diff";
import { t } from "@/strings";
import { IconButton } from "./Button";
import { toast } from "./toast";

export function CopyButton({ text, className }: { text: string; className?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      toast({ tone: "bad", title: t.common.copyFailed });
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  // Where a page came by plain HTTP from another machine, browsers have no clipboard for it.
  if (!navigator.clipboard) return null;
  return (
    <IconButton
      size="sm"
      label={isCopied ? t.common.copied : t.common.copy}
      icon={isCopied ? <Check /> : <Copy />}
      onClick={() => void copy()}
      {...(className ? { className } : {})}
    />
  );
}

/** Text as it is, with a way to copy it. */
export function Code({ text, label, className }: { text: string; label: string; className?: string }) {
  return (
    <div className={cx("group relative rounded-md border bg-sunken", className)}>
      {/* biome-ignore lint/a11y/useSemanticElements: it is a region only so that it can be scrolled by keys */}
      <pre
        role="group"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
        tabIndex={0}
        className="max-h-96 overflow-auto p-3 font-mono text-xs leading-5 whitespace-pre-wrap break-words"
      >
        {text}
      </pre>
      <CopyButton
        text={text}
        className="absolute! top-1.5 right-1.5 bg-sunken opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100"
      />
    </div>
  );
}

const looks = {
  same: "",
  added: "bg-ok-soft",
  removed: "bg-bad-soft",
};
const signs = { same: " ", added: "+", removed: "−" };

export function Diff({ lines, label }: { lines: readonly (Line | Fold)[]; label: string }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: it is a region only so that it can be scrolled by keys
    <div
      role="group"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
      className="max-h-112 overflow-auto rounded-md border bg-surface py-1.5 font-mono text-xs leading-5"
    >
      {lines.map((line, at) =>
        line.kind === "fold" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a text are known by their places
          <p key={at} className="my-1 bg-sunken px-3 font-sans text-muted">
            {t.common.unchangedLines(line.count)}
          </p>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a text are known by their places
          <DiffLine key={at} line={line} />
        ),
      )}
    </div>
  );
}

const DiffLine = ({ line }: { line: Line }) => (
  <div className={cx("flex gap-2 px-3 whitespace-pre-wrap break-words", looks[line.kind])}>
    <span
      aria-hidden
      className={cx(
        "select-none",
        line.kind === "added" ? "text-ok" : line.kind === "removed" ? "text-bad" : "",
      )}
    >
      {signs[line.kind]}
    </span>
    {line.kind !== "same" && (
      <span className="sr-only">
        {line.kind === "added" ? t.approvals.lineAdded : t.approvals.lineRemoved}
      </span>
    )}
    <span className="min-w-0 flex-1">{line.text === "" ? "\u200b" : line.text}</span>
  </div>
);

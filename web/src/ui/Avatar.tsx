import { Bot } from "lucide-react";
import { cx } from "@/lib/cx";

const tints = [
  "bg-accent-soft text-accent-text",
  "bg-ok-soft text-ok",
  "bg-warn-soft text-warn",
  "bg-bad-soft text-bad",
] as const;

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
    (it) => [...(it ?? "")][0] ?? "",
  );
  return letters.join("").toUpperCase() || "?";
}

const tint = (name: string) =>
  tints[[...name].reduce((sum, it) => sum + (it.codePointAt(0) ?? 0), 0) % tints.length];

const sizes = { sm: "size-5 text-[9px]", md: "size-7 text-2xs", lg: "size-9 text-sm" };

/** Somebody's initials, or the sign of an agent. The name stands beside it, so it is not read out. */
export function Avatar({
  name,
  agent,
  size = "md",
}: {
  name: string;
  agent?: boolean;
  size?: keyof typeof sizes;
}) {
  return (
    <span
      aria-hidden
      className={cx(
        "inline-flex shrink-0 items-center justify-center font-semibold select-none",
        sizes[size],
        agent ? "rounded-md bg-accent text-on-accent" : cx("rounded-full", tint(name)),
      )}
    >
      {agent ? <Bot className="size-[62%]" /> : initials(name)}
    </span>
  );
}

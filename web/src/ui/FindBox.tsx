import { Search } from "lucide-react";
import type { RefObject } from "react";
import { Kbd } from "./Kbd";

interface Props {
  label: string;
  value: string;
  onChange(text: string): void;
  input?: RefObject<HTMLInputElement | null>;
  /** The key that leads here, where there is one. */
  keys?: string;
}

/** Narrows the list on this page. Escape empties it and leaves it. */
export function FindBox({ label, value, onChange, input, keys }: Props) {
  return (
    <label className="flex h-8 w-full min-w-0 items-center gap-2 rounded-md border border-line-strong/60 bg-surface px-2.5 text-sm shadow-sm focus-within:outline-2 focus-within:outline-accent-text sm:w-64">
      <Search aria-hidden className="size-4 shrink-0 text-muted" />
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          onChange("");
          event.currentTarget.blur();
        }}
        className="min-w-0 flex-1 bg-transparent outline-none"
      />
      {keys && (
        <span className="hidden sm:block">
          <Kbd keys={keys} />
        </span>
      )}
    </label>
  );
}

import { Fragment } from "react";

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const names: Record<string, string> = {
  mod: isMac ? "⌘" : "Ctrl",
  enter: "↵",
  escape: "Esc",
  shift: "⇧",
  arrowup: "↑",
  arrowdown: "↓",
};

/** Keys as they are written in `useKeys`: `mod+k`, or `g c` for one after the other. */
export function Kbd({ keys }: { keys: string }) {
  const caps = keys.split(/[ +]/).map((key, at) => ({ key, id: `${key}${at}` }));
  return (
    <span className="inline-flex items-center gap-0.5">
      {caps.map(({ key, id }) => (
        <Fragment key={id}>
          <kbd className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-sm border bg-sunken px-1 font-sans text-2xs text-muted">
            {names[key] ?? (key.length === 1 ? key.toUpperCase() : key)}
          </kbd>
        </Fragment>
      ))}
    </span>
  );
}

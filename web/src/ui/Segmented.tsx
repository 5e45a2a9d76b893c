import { cx } from "@/lib/cx";

interface Props<Name extends string> {
  label: string;
  value: Name | undefined;
  options: readonly { name: Name; label: string; title?: string }[];
  onChange(next: Name): void;
  className?: string;
}

/** A choice among very few, all of them in sight. */
export function Segmented<Name extends string>({ label, value, options, onChange, className }: Props<Name>) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need its legend shown
    <div
      role="group"
      aria-label={label}
      className={cx(
        "inline-flex h-8 rounded-md border border-line-strong/60 bg-surface p-0.5 shadow-sm",
        className,
      )}
    >
      {options.map((it) => (
        <button
          key={it.name}
          type="button"
          aria-pressed={it.name === value}
          title={it.title}
          onClick={() => onChange(it.name)}
          className="rounded-[4px] px-2 text-sm max-sm:px-1.5 font-medium whitespace-nowrap text-muted hover:text-text aria-pressed:bg-accent-soft aria-pressed:text-accent-text"
        >
          {it.label}
        </button>
      ))}
    </div>
  );
}

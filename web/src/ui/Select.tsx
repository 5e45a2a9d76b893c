import type { ComponentProps } from "react";
import { cx } from "@/lib/cx";

interface Props extends Omit<ComponentProps<"select">, "onChange"> {
  label: string;
  options: readonly { value: string; name: string }[];
  onChange(value: string): void;
}

/** A choice among few, in the browser's own way, which phones and screen readers know best. */
export function Select({ label, options, onChange, className, ...rest }: Props) {
  return (
    <select
      {...rest}
      aria-label={label}
      onChange={(event) => onChange(event.target.value)}
      className={cx(
        "h-8 min-w-0 max-w-52 rounded-md border border-line-strong/60 bg-surface px-2 text-sm text-text shadow-sm hover:border-line-strong",
        className,
      )}
    >
      {options.map((it) => (
        <option key={it.value} value={it.value}>
          {it.name}
        </option>
      ))}
    </select>
  );
}

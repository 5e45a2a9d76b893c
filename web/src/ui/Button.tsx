import { LoaderCircle } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/lib/cx";

const looks = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover",
  secondary: "bg-surface text-text border border-line hover:bg-hover shadow-sm",
  ghost: "text-muted hover:bg-hover hover:text-text",
  danger: "text-bad border border-line bg-surface hover:bg-bad-soft shadow-sm",
} as const;

const sizes = {
  sm: "h-7 px-2 text-xs gap-1.5 rounded-md",
  md: "h-8 px-3 text-sm gap-2 rounded-md",
  lg: "h-10 px-4 text-base gap-2 rounded-lg",
} as const;

const base =
  "inline-flex shrink-0 items-center justify-center font-medium whitespace-nowrap select-none transition-colors disabled:opacity-55 disabled:pointer-events-none [&_svg]:size-4 [&_svg]:shrink-0";

export interface Look {
  look?: keyof typeof looks | undefined;
  size?: keyof typeof sizes | undefined;
}

/** The classes of a button, for links that look like one. */
export const buttonClass = ({ look = "secondary", size = "md" }: Look = {}) =>
  cx(base, looks[look], sizes[size]);

interface Props extends ComponentProps<"button">, Look {
  /** While what it began is under way. */
  busy?: boolean | undefined;
  icon?: ReactNode;
}

export function Button({ look, size, busy, icon, className, children, disabled, ...rest }: Props) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={cx(buttonClass({ look, size }), className)}
    >
      {busy ? <LoaderCircle className="animate-spin" aria-hidden /> : icon}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<Props, "children" | "aria-label"> {
  /** What it does; shown when pointed at, and read out. */
  label: string;
}

export function IconButton({ label, size = "md", look = "ghost", className, ...rest }: IconButtonProps) {
  const square = { sm: "w-7 px-0!", md: "w-8 px-0!", lg: "w-10 px-0!" }[size];
  return (
    <Button
      {...rest}
      look={look}
      size={size}
      aria-label={label}
      title={label}
      className={cx(square, className)}
    />
  );
}

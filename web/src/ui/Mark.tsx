import { cx } from "@/lib/cx";

/** The sign of the product: a seal. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={cx("shrink-0", className)}>
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path
        d="M21.6 20.4a7 7 0 1 1 0-8.8"
        fill="none"
        strokeWidth="3.2"
        strokeLinecap="round"
        className="stroke-on-accent"
      />
      <circle cx="22.6" cy="16" r="2.2" className="fill-on-accent" />
    </svg>
  );
}

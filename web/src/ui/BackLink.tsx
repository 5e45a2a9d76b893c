import { Link, type LinkProps } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import type { ReactNode } from "react";

/** The way back to the list that a page is an entry of. */
export function BackLink({ children, ...link }: LinkProps & { children: ReactNode }) {
  return (
    <Link
      {...link}
      className="-ml-1 flex w-fit items-center gap-0.5 rounded-md text-sm text-muted hover:text-text"
    >
      <ChevronLeft aria-hidden className="size-4" /> {children}
    </Link>
  );
}

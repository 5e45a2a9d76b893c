import { Link } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import { t } from "@/strings";

export function BackToRecord() {
  return (
    <Link
      to="/record"
      className="-ml-1 flex w-fit items-center gap-0.5 rounded-md text-sm text-muted hover:text-text"
    >
      <ChevronLeft aria-hidden className="size-4" /> {t.record.title}
    </Link>
  );
}

import { Link } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import type { ReactNode } from "react";
import { t } from "@/strings";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";

interface Props {
  title: string;
  detail?: ReactNode;
  actions?: ReactNode;
  /** The way back where it is another one than to all settings. */
  above?: ReactNode;
  children?: ReactNode;
}

/** The head of a page of the settings, with the way back to all of them where their list has no room. */
export function SettingsHeader({ title, detail, actions, above, children }: Props) {
  const back = (
    <Link to="/settings" className="flex items-center gap-1 text-sm text-muted hover:text-text lg:hidden">
      <ChevronLeft aria-hidden className="size-4" /> {t.settings.back}
    </Link>
  );
  return (
    <>
      <PageTitle title={title} />
      <PageHeader title={title} detail={detail} actions={actions} above={above ?? back}>
        {children}
      </PageHeader>
    </>
  );
}

import type { ReactNode } from "react";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
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
    <div className="lg:hidden">
      <BackLink to="/settings">{t.settings.back}</BackLink>
    </div>
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

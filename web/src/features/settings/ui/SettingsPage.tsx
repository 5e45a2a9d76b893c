import { Link } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import { useRef } from "react";
import { useRowKeys } from "@/app/useRowKeys";
import { t } from "@/strings";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { places } from "../model/places";

const s = t.settings;
const groups = ["org", "you"] as const;

/** Every page of the settings with what it is for. */
export function SettingsPage() {
  const list = useRef<HTMLDivElement>(null);
  useRowKeys(list);
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail} />
      <div ref={list} className="flex max-w-3xl flex-col gap-6 p-4 md:p-6">
        {groups.map((group) => (
          <Section key={group} as="h2" title={s.groups[group]}>
            <ul className="overflow-hidden rounded-lg border bg-surface shadow-sm">
              {places
                .filter((it) => it.group === group)
                .map(({ to, name, detail, icon: Icon }) => (
                  <li key={to} className="border-b last:border-0">
                    <Link
                      to={to}
                      data-row={to}
                      className="flex items-center gap-3 px-4 py-3 outline-offset-[-2px] hover:bg-hover/60"
                    >
                      <Icon aria-hidden className="size-4.5 shrink-0 text-muted" />
                      <span className="min-w-0 flex-1">
                        <span className="block text-sm font-medium">{name}</span>
                        <span className="block text-xs text-muted">{detail}</span>
                      </span>
                      <ChevronRight aria-hidden className="size-4 shrink-0 text-faint" />
                    </Link>
                  </li>
                ))}
            </ul>
          </Section>
        ))}
      </div>
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { GraduationCap, Plus, SearchX } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Fetched } from "@/ui/Fetched";
import { FindBox } from "@/ui/FindBox";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Time } from "@/ui/Time";
import { type Skill, skillsQuery } from "../api/skills";
import { bytesName } from "../model/needs";

const s = t.skills;
const grid =
  "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 md:grid-cols-[minmax(0,1fr)_10rem_5.5rem_5rem_4.5rem]";

export function SkillsPage() {
  const skills = useQuery(skillsQuery);
  const navigate = useNavigate();
  const may = useMay("admin");
  const [find, setFind] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => input.current?.focus() },
    ...(may
      ? [{ keys: "n", label: s.new, group: "page" as const, run: () => void navigate({ to: "/skills/new" }) }]
      : []),
  ]);
  const create = may && (
    <Link to="/skills/new" className={buttonClass({ look: "primary" })}>
      <Plus aria-hidden /> {s.new}
    </Link>
  );
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail} actions={create}>
        <FindBox label={s.find} value={find} onChange={setFind} input={input} keys="/" />
        {!may && <p className="text-sm text-muted">{s.readOnly}</p>}
      </PageHeader>
      <Fetched query={skills}>
        {(all) => {
          const wanted = find.trim().toLowerCase();
          const shown = all.filter((it) => `${it.name} ${it.description}`.toLowerCase().includes(wanted));
          if (all.length === 0)
            return (
              <Empty icon={GraduationCap} title={s.emptyTitle} action={create}>
                {s.emptyDetail}
              </Empty>
            );
          if (shown.length === 0)
            return (
              <Empty icon={SearchX} title={s.noneTitle}>
                {s.noneDetail}
              </Empty>
            );
          return (
            <>
              <Head />
              <ul ref={list} aria-label={s.title}>
                {shown.map((it) => (
                  <Row key={it.id} skill={it} />
                ))}
              </ul>
            </>
          );
        }}
      </Fetched>
    </>
  );
}

function Head() {
  return (
    <div aria-hidden className="hidden border-b bg-sunken/60 px-6 md:block">
      <div className={cx(grid, "h-8 text-xs text-muted")}>
        <span>{s.columns.name}</span>
        <span>{s.columns.kind}</span>
        <span>{s.columns.version}</span>
        <span className="text-right">{s.columns.size}</span>
        <span className="text-right">{s.columns.changed}</span>
      </div>
    </div>
  );
}

function Row({ skill }: { skill: Skill }) {
  return (
    <li className="border-b hover:bg-hover/60">
      <Link
        to="/skills/$skillId"
        params={{ skillId: skill.id }}
        data-row={skill.id}
        className={cx(grid, "px-4 py-2.5 outline-offset-[-2px] md:px-6")}
      >
        <span className="min-w-0">
          <span className="block truncate text-sm font-medium">{skill.name}</span>
          <span className="block truncate text-xs text-muted" title={skill.description}>
            {skill.description}
          </span>
        </span>
        <span className="justify-self-end md:justify-self-start">
          <Badge tone={skill.runnable ? "accent" : "plain"}>{skill.runnable ? s.runnable : s.readable}</Badge>
        </span>
        <span className="hidden text-sm text-muted tabular-nums md:block">{s.version(skill.version)}</span>
        <span className="hidden text-right text-sm text-muted tabular-nums md:block">
          {bytesName(skill.size_bytes)}
        </span>
        <span className="hidden text-right text-sm text-muted md:block">
          <Time at={skill.updated_at} />
        </span>
      </Link>
    </li>
  );
}

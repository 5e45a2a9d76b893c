import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Upload } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useMay } from "@/app/useAuth";
import { agentsQuery, useDirectory } from "@/features/directory/api/directory";
import { historyQuery } from "@/features/record/api/history";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { BackLink } from "@/ui/BackLink";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { CopyButton } from "@/ui/Code";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Fetched } from "@/ui/Fetched";
import { Markdown } from "@/ui/Markdown";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Skill, skillQuery, useDeleteSkill } from "../api/skills";
import { bytesName, needsOf } from "../model/needs";

const s = t.skills.page;

export function SkillPage() {
  const { skillId } = useParams({ from: "/signed-in/shell/skills/$skillId" });
  const skill = useQuery(skillQuery(skillId));
  return (
    <>
      {!skill.data && (
        <div className="px-4 pt-4 md:px-6">
          <BackLink to="/skills">{t.skills.title}</BackLink>
        </div>
      )}
      <Fetched query={skill}>{(it) => <Loaded key={it.id} skill={it} />}</Fetched>
    </>
  );
}

function Loaded({ skill }: { skill: Skill }) {
  const may = useMay("admin");
  return (
    <>
      <PageTitle title={skill.name} />
      <PageHeader
        above={<BackLink to="/skills">{t.skills.title}</BackLink>}
        title={
          <span className="flex min-w-0 flex-wrap items-center gap-2.5">
            <span className="min-w-0">{skill.name}</span>
            <Badge tone={skill.runnable ? "accent" : "plain"}>
              {skill.runnable ? t.skills.runnable : t.skills.readable}
            </Badge>
          </span>
        }
        detail={skill.description}
        actions={
          may && (
            <>
              <RemoveButton skill={skill} />
              <Link to="/skills/new" className={buttonClass()}>
                <Upload aria-hidden /> {s.again}
              </Link>
            </>
          )
        }
      >
        {!may && <p className="text-sm text-muted">{t.skills.readOnly}</p>}
      </PageHeader>
      <div className="grid gap-x-10 gap-y-8 p-4 md:p-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="max-w-2xl min-w-0 overflow-x-clip">
          <Section as="h2" title={s.instructions}>
            {skill.instructions.trim() === "" ? (
              <p className="text-sm text-muted">{s.noInstructions}</p>
            ) : (
              <Markdown text={skill.instructions} />
            )}
          </Section>
        </div>
        <div className="flex min-w-0 flex-col gap-7 lg:border-l lg:pl-8">
          <Facts skill={skill} />
          {skill.runnable && <Needs skill={skill} />}
          <Users />
          <History skill={skill} />
        </div>
      </div>
    </>
  );
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4">
      <dt className="shrink-0 text-muted">{name}</dt>
      <dd className="min-w-0 text-right break-words">{children}</dd>
    </div>
  );
}

function Facts({ skill }: { skill: Skill }) {
  return (
    <Section as="h2" title={s.facts}>
      <dl className="flex flex-col gap-1.5 text-sm">
        <Line name={t.skills.columns.version}>{skill.version}</Line>
        <Line name={t.skills.columns.changed}>
          <Time at={skill.updated_at} />
        </Line>
        <Line name={s.size}>{bytesName(skill.size_bytes)}</Line>
        {skill.entry.length > 0 && (
          <Line name={s.entry}>
            <code className="font-mono text-xs">{skill.entry.join(" ")}</code>
          </Line>
        )}
        {skill.license && <Line name={s.license}>{skill.license}</Line>}
        {skill.compatibility && <Line name={s.compatibility}>{skill.compatibility}</Line>}
      </dl>
      <div className="mt-2">
        <p className="text-xs text-muted">{s.digest}</p>
        <p className="flex items-center gap-1">
          <code className="min-w-0 font-mono text-xs break-all">{skill.digest}</code>
          <CopyButton text={skill.digest} />
        </p>
        <p className="text-xs text-muted">{s.digestHint}</p>
      </div>
    </Section>
  );
}

function Needs({ skill }: { skill: Skill }) {
  return (
    <Section as="h2" title={s.needs}>
      <dl className="flex flex-col gap-1.5 text-sm">
        {needsOf(skill.needs).map(([name, value]) => (
          <Line key={name} name={name}>
            {value}
          </Line>
        ))}
      </dl>
      <p className="text-xs text-muted">{s.needsHint}</p>
    </Section>
  );
}

/** Skills are given to no agent by name: the two tools give all of them. */
function Users() {
  const agents = useQuery(agentsQuery);
  return (
    <Section as="h2" title={s.by}>
      <p className="text-xs text-muted">{s.byHint}</p>
      <Fetched query={agents} rows={1}>
        {(all) => {
          const users = all.filter(
            ({ tools }) => tools.includes("skill.run") || tools.includes("skill.read"),
          );
          if (users.length === 0) return <p className="text-sm text-muted">{s.byNone}</p>;
          return (
            <ul aria-label={s.by} className="flex flex-col">
              {users.map(({ id, name, tools }) => (
                <li key={id}>
                  <Link
                    to="/agents/$agentId"
                    params={{ agentId: id }}
                    className="-mx-1.5 flex items-center gap-2 rounded-md px-1.5 py-1.5 text-sm hover:bg-hover/60"
                  >
                    <Avatar name={name} agent size="sm" />
                    <span className="min-w-0 flex-1 truncate">{name}</span>
                    <span className="text-xs text-muted">
                      {!tools.includes("skill.run")
                        ? s.reads
                        : tools.includes("skill.read")
                          ? s.runs
                          : s.onlyRuns}
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          );
        }}
      </Fetched>
    </Section>
  );
}

const KINDS = ["skill.published"];

function History({ skill }: { skill: Skill }) {
  const directory = useDirectory();
  const events = useQuery(historyQuery("skills", KINDS)).data ?? [];
  const own = events.filter((it) => it.subject === skill.id);
  if (own.length === 0) return null;
  return (
    <Section as="h2" title={s.history}>
      <ol aria-label={s.history} className="flex flex-col">
        {own.map((it) => (
          <li key={it.seq}>
            <Link
              to="/record/$seq"
              params={{ seq: String(it.seq) }}
              className="-mx-1.5 flex items-baseline gap-2 rounded-md px-1.5 py-1.5 text-sm hover:bg-hover/60"
            >
              <span className="flex-1 first-letter:uppercase">
                {t.skills.version(Number(it.data.version))}
              </span>
              <span className="text-xs text-muted">
                <Time at={it.at} /> {it.actor.user && t.agents.versions.by(directory.name(it.actor.user))}
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function RemoveButton({ skill }: { skill: Skill }) {
  const [isAsking, setAsking] = useState(false);
  const navigate = useNavigate();
  const remove = useDeleteSkill(skill.id);
  const go = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        toast({ title: s.removed(skill.name) });
        void navigate({ to: "/skills" });
      },
    });
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>
        {s.remove}
      </Button>
      {isAsking && (
        <ConfirmDialog
          title={s.removeTitle(skill.name)}
          detail={s.removeDetail}
          confirm={s.remove}
          danger
          busy={remove.isPending}
          error={remove.error}
          onConfirm={go}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

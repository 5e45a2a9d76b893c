import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { targetName } from "@/features/approvals/model/show";
import { agentsQuery, useDirectory } from "@/features/directory/api/directory";
import { callsQuery, type HistoryEvent, historyQuery } from "@/features/record/api/history";
import { shortId } from "@/lib/format";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Fetched } from "@/ui/Fetched";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import type { Tool } from "../api/tools";
import { hostOf, type Known, versionsOf } from "../model/httpTool";
import { SchemaTable } from "./SchemaTable";
import { needsOf } from "./ToolsPage";

const s = t.tools.page;
const link = "rounded-sm font-medium text-accent-text underline-offset-2 hover:underline";
export const TOOL_HISTORY = ["tool.configured", "tool.removed"];

export function ToolOverview({ tool }: { tool: Tool }) {
  const history = useQuery({ ...historyQuery("tools", TOOL_HISTORY), enabled: tool.kind === "http" });
  const versions = versionsOf(history.data ?? [], tool.name);
  return (
    <div className="grid gap-x-10 gap-y-8 p-4 md:p-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
      <div className="flex min-w-0 flex-col gap-8">
        {versions[0] && <RequestPart known={versions[0]} />}
        <SchemaTable schema={tool.schema} />
        <Calls tool={tool} />
      </div>
      <div className="flex min-w-0 flex-col gap-7 lg:border-l lg:pl-8">
        <Section as="h2" title={s.facts}>
          <dl className="flex flex-col gap-3 text-sm">
            <Said name={s.effect} below={s.effectHint(tool.effects.length)}>
              {tool.effects.map((it) => (
                <span key={it} className="block">
                  {t.tools.effects[it] ?? it} <code className="font-mono text-xs text-muted">{it}</code>
                </span>
              ))}
            </Said>
            <Said name={s.needs}>{needsOf(tool)}</Said>
            <Said name={s.repeat}>{tool.idempotent ? s.repeatYes : s.repeatNo}</Said>
            {tool.version && <Said name={s.version}>{tool.version}</Said>}
          </dl>
        </Section>
        <Users tool={tool} />
        {versions.length > 0 && <History versions={versions} />}
      </div>
    </div>
  );
}

function Said({ name, below, children }: { name: string; below?: string; children: ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd>{children}</dd>
      {below && <dd className="text-xs text-muted">{below}</dd>}
    </div>
  );
}

function RequestPart({ known }: { known: Known }) {
  const host = hostOf(known.url);
  return (
    <Section as="h2" title={s.request}>
      <p className="flex min-w-0 items-baseline gap-2 rounded-md border bg-sunken px-3 py-2 font-mono text-xs">
        <span className="font-semibold">{known.method}</span>
        <span className="min-w-0 break-all">{known.url}</span>
      </p>
      {host && <p className="text-xs text-muted">{t.tools.form.host(host)}</p>}
    </Section>
  );
}

function Users({ tool }: { tool: Tool }) {
  const agents = useQuery(agentsQuery);
  return (
    <Section as="h2" title={s.by}>
      <Fetched query={agents} rows={1}>
        {(all) => {
          const users = all.filter((it) => it.tools.includes(tool.name));
          if (users.length === 0) return <p className="text-sm text-muted">{s.byNone}</p>;
          return (
            <ul aria-label={s.by} className="flex flex-col">
              {users.map((it) => (
                <li key={it.id}>
                  <Link
                    to="/agents/$agentId"
                    params={{ agentId: it.id }}
                    className="-mx-1.5 flex items-center gap-2 rounded-md px-1.5 py-1.5 text-sm hover:bg-hover/60"
                  >
                    <Avatar name={it.name} agent size="sm" />
                    <span className="min-w-0 truncate">{it.name}</span>
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

function History({ versions }: { versions: readonly Known[] }) {
  const directory = useDirectory();
  return (
    <Section as="h2" title={s.history}>
      <ol aria-label={s.history} className="flex flex-col">
        {versions.map((it) => (
          <li key={it.seq} className="border-b py-2 text-xs last:border-b-0">
            <Link to="/record/$seq" params={{ seq: String(it.seq) }} className={link}>
              {t.agents.page.version(it.version)}
            </Link>{" "}
            <span className="text-muted">
              <Time at={it.at} /> {it.by && t.agents.versions.by(directory.name(it.by))}
            </span>
            <span className="block font-mono break-all text-muted">
              {it.method} {it.url}
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Calls({ tool }: { tool: Tool }) {
  const calls = useQuery(callsQuery(tool.name));
  return (
    <Section
      as="h2"
      title={s.calls}
      aside={
        <Link to="/record" search={{ tool: tool.name }} className={`text-xs ${link}`}>
          {s.callsAll}
        </Link>
      }
    >
      <Fetched query={calls} rows={2}>
        {(events) =>
          events.length === 0 ? (
            <p className="text-sm text-muted">{s.callsNone}</p>
          ) : (
            <ul aria-label={s.calls}>
              {events.map((it) => (
                <Call key={it.seq} event={it} />
              ))}
            </ul>
          )
        }
      </Fetched>
    </Section>
  );
}

function Call({ event }: { event: HistoryEvent }) {
  const directory = useDirectory();
  const { actor, data, run } = event;
  const who = actor.agent ?? actor.user;
  const step = typeof data.step === "number" ? data.step : undefined;
  const content = (
    <>
      <span className="min-w-0 flex-1 truncate text-sm">{targetName(data.target) || shortId(run ?? "")}</span>
      <span className="min-w-0 truncate text-xs text-muted">{who ? directory.name(who) : s.person}</span>
      <Time at={event.at} className="w-14 shrink-0 text-right text-xs text-muted" />
    </>
  );
  const look = "-mx-1.5 flex items-center gap-3 rounded-md px-1.5 py-2";
  return (
    <li className="border-b">
      {run ? (
        <Link
          to="/runs/$runId"
          params={{ runId: run }}
          search={step === undefined ? {} : { step }}
          className={`${look} hover:bg-hover/60`}
        >
          {content}
        </Link>
      ) : (
        <span className={look}>{content}</span>
      )}
    </li>
  );
}

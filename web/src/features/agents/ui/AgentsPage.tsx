import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Bot, Plus, SearchX } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { agentsQuery } from "@/features/directory/api/directory";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Fetched } from "@/ui/Fetched";
import { FindBox } from "@/ui/FindBox";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Select } from "@/ui/Select";
import { Time } from "@/ui/Time";
import { type Agent, newestRunsQuery, olderRunQuery } from "../api/agents";
import { useProfiles } from "../api/profiles";
import { AGENT_STATES } from "../model/names";
import { AgentStateBadge } from "./AgentStateBadge";

const s = t.agents;
const grid =
  "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 md:grid-cols-[minmax(0,1fr)_8rem_4.5rem_5.5rem_4rem] xl:grid-cols-[minmax(0,1fr)_11rem_5.5rem_6rem_4.5rem]";

export function AgentsPage() {
  const { state } = useSearch({ from: "/signed-in/shell/agents" });
  const navigate = useNavigate();
  const agents = useQuery(agentsQuery);
  const may = useMay("admin");
  const [find, setFind] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => input.current?.focus() },
    ...(may
      ? [
          {
            keys: "n",
            label: s.new,
            group: "page" as const,
            run: () => void navigate({ to: "/agents/new" }),
          },
        ]
      : []),
  ]);
  const create = may && (
    <Link to="/agents/new" className={buttonClass({ look: "primary" })}>
      <Plus aria-hidden /> {s.new}
    </Link>
  );
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail} actions={create}>
        <div className="flex flex-wrap items-center gap-2">
          <FindBox label={s.find} value={find} onChange={setFind} input={input} keys="/" />
          <Select
            label={s.filterState}
            value={state ?? ""}
            onChange={(value) =>
              void navigate({
                to: "/agents",
                search: value === "" ? {} : { state: value as Agent["state"] },
              })
            }
            options={[
              { value: "", name: s.anyState },
              ...AGENT_STATES.map((it) => ({ value: it, name: s.states[it] })),
            ]}
          />
        </div>
        {!may && <p className="text-sm text-muted">{s.readOnly}</p>}
      </PageHeader>
      <Fetched query={agents}>
        {(all) => {
          const shown = all.filter((it) => (!state || it.state === state) && isFound(it, find));
          if (all.length === 0)
            return (
              <Empty icon={Bot} title={s.emptyTitle} action={create}>
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
                  <Row key={it.id} agent={it} />
                ))}
              </ul>
            </>
          );
        }}
      </Fetched>
    </>
  );
}

function isFound(agent: Agent, find: string): boolean {
  const wanted = find.trim().toLowerCase();
  const words = [agent.name, agent.description, agent.id, ...agent.labels, ...agent.tools];
  return wanted === "" || words.some((it) => it.toLowerCase().includes(wanted));
}

function Head() {
  return (
    <div aria-hidden className="hidden border-b bg-sunken/60 px-6 md:block">
      <div className={cx(grid, "h-8 text-xs text-muted")}>
        <span className="pl-10">{s.columns.name}</span>
        <span>{s.columns.plans}</span>
        <span>{s.columns.tools}</span>
        <span>{s.columns.state}</span>
        <span className="text-right">{s.columns.last}</span>
      </div>
    </div>
  );
}

function Row({ agent }: { agent: Agent }) {
  const newest = useQuery(newestRunsQuery).data;
  const isOlder = newest !== undefined && !newest.has(agent.id);
  const older = useQuery({ ...olderRunQuery(agent.id), enabled: isOlder }).data;
  const last = newest?.get(agent.id) ?? older;
  return (
    <li className="border-b hover:bg-hover/60">
      <Link
        to="/agents/$agentId"
        params={{ agentId: agent.id }}
        data-row={agent.id}
        className={cx(grid, "px-4 py-2.5 outline-offset-[-2px] md:px-6")}
      >
        <span className="flex min-w-0 items-center gap-3">
          <Avatar name={agent.name} agent />
          <span className="min-w-0">
            <span className="flex items-center gap-2 text-sm font-medium">
              <span className="truncate" title={agent.name}>
                {agent.name}
              </span>
            </span>
            <span className="block truncate text-xs text-muted" title={agent.description}>
              {agent.description}
            </span>
          </span>
        </span>
        <span className="col-start-1 row-start-2 min-w-0 truncate pl-10 text-xs text-muted md:col-start-auto md:row-start-auto md:pl-0 md:text-sm">
          <PlansBy agent={agent} />
          <span className="md:hidden"> · {s.tools(agent.tools.length)}</span>
        </span>
        <span className="hidden text-sm text-muted tabular-nums md:block">{s.tools(agent.tools.length)}</span>
        <span className="col-start-2 row-start-1 justify-self-end md:col-start-auto md:row-start-auto md:justify-self-start">
          <AgentStateBadge state={agent.state} />
        </span>
        <span className="col-start-2 row-start-2 text-right text-xs text-muted md:col-start-auto md:row-start-auto md:text-sm">
          {last ? <Time at={last} /> : last === null && <span title={s.never}>—</span>}
        </span>
      </Link>
    </li>
  );
}

/** Its model profile by name, or that it needs none. */
function PlansBy({ agent }: { agent: Agent }) {
  const { names } = useProfiles();
  if (agent.planner === "rules") return s.byRules;
  if (!agent.model_profile_id) return s.defaultProfile;
  return names.get(agent.model_profile_id) ?? s.someProfile;
}

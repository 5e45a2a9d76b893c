import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { MessagesSquare, Pencil, Waypoints } from "lucide-react";
import { useKeys } from "@/app/keys";
import { useIdentity, useMay } from "@/app/useAuth";
import { useCreateChat } from "@/features/chats/api/chats";
import { kept } from "@/lib/kept";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { BackLink } from "@/ui/BackLink";
import { Button, buttonClass } from "@/ui/Button";
import { explain } from "@/ui/ErrorNotice";
import { Fetched } from "@/ui/Fetched";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Agent, agentQuery } from "../api/agents";
import { draftKey } from "../model/draft";
import { AGENT_TABS, type AgentTab } from "../model/names";
import { AgentStateBadge } from "./AgentStateBadge";
import { Bench } from "./Bench";
import { LifeMenu } from "./LifeMenu";
import { Overview } from "./Overview";
import { Versions } from "./Versions";

const s = t.agents.page;

export function AgentPage() {
  const { agentId } = useParams({ from: "/signed-in/shell/agents/$agentId" });
  const agent = useQuery(agentQuery(agentId));
  return (
    <>
      {!agent.data && (
        <div className="px-4 pt-4 md:px-6">
          <BackLink to="/agents">{t.agents.title}</BackLink>
        </div>
      )}
      <Fetched query={agent}>{(it) => <Loaded key={it.id} agent={it} />}</Fetched>
    </>
  );
}

function Loaded({ agent }: { agent: Agent }) {
  const { tab = "overview" } = useSearch({ from: "/signed-in/shell/agents/$agentId" });
  const navigate = useNavigate();
  const mayEdit = useMay("admin") && agent.state !== "retired";
  const params = { agentId: agent.id };
  const show = (next: AgentTab) =>
    void navigate({
      to: "/agents/$agentId",
      params,
      search: next === "overview" ? {} : { tab: next },
      replace: true,
    });
  const edit = () => void navigate({ to: "/agents/$agentId/edit", params });
  useKeys([
    ...(mayEdit
      ? [{ keys: "e", label: t.agents.form.editTitle(agent.name), group: "page" as const, run: edit }]
      : []),
    { keys: "t", label: s.tabs.try, group: "page", run: () => show("try") },
    {
      keys: "escape",
      label: t.agents.title,
      group: "page",
      hidden: true,
      run: () => void navigate({ to: "/agents" }),
    },
  ]);
  return (
    <>
      <PageTitle title={agent.name} />
      <PageHeader
        above={<BackLink to="/agents">{t.agents.title}</BackLink>}
        title={
          <span className="flex min-w-0 flex-wrap items-center gap-2.5">
            <Avatar name={agent.name} agent />
            <span className="min-w-0">{agent.name}</span>
            <AgentStateBadge state={agent.state} />
          </span>
        }
        detail={
          <>
            {agent.description && `${agent.description} · `}
            {s.version(agent.version)} · {s.changed} <Time at={agent.updated_at} />
          </>
        }
        actions={<Actions agent={agent} mayEdit={mayEdit} />}
      >
        <Notes agent={agent} />
      </PageHeader>
      <Tabs<AgentTab>
        label={s.tabsLabel}
        value={tab}
        onChange={show}
        tabs={AGENT_TABS.map((name) => ({ name, label: s.tabs[name] }))}
      >
        <TabPanel name="overview">
          <Overview agent={agent} />
        </TabPanel>
        <TabPanel name="versions">
          <Versions agent={agent} />
        </TabPanel>
        <TabPanel name="try">
          <Bench agent={agent} />
        </TabPanel>
      </Tabs>
    </>
  );
}

function Actions({ agent, mayEdit }: { agent: Agent; mayEdit: boolean }) {
  const navigate = useNavigate();
  const create = useCreateChat();
  const mayAsk = useMay("member") && agent.state === "active";
  const chat = () =>
    create.mutate(
      { agent_ids: [agent.id] },
      {
        onSuccess: (session) => void navigate({ to: "/chats/$sessionId", params: { sessionId: session.id } }),
        onError: (error) =>
          toast({ tone: "bad", title: explain(error).title, detail: explain(error).detail }),
      },
    );
  return (
    <>
      <Link to="/runs" search={{ agent: agent.id }} className={buttonClass()}>
        <Waypoints aria-hidden /> {s.runs}
      </Link>
      {mayAsk && (
        <Button icon={<MessagesSquare />} busy={create.isPending} onClick={chat}>
          {s.chat}
        </Button>
      )}
      {mayEdit && (
        <Link
          to="/agents/$agentId/edit"
          params={{ agentId: agent.id }}
          className={buttonClass({ look: "primary" })}
        >
          <Pencil aria-hidden /> {s.edit}
        </Link>
      )}
      <LifeMenu agent={agent} />
    </>
  );
}

/** What one has to know before reading on. */
function Notes({ agent }: { agent: Agent }) {
  const who = useIdentity();
  const may = useMay("admin");
  const hasDraft = may && agent.state !== "retired" && kept(draftKey(who, agent.id)) !== null;
  return (
    <>
      {agent.state === "paused" && <Notice tone="warn">{t.agents.life.pausedNote}</Notice>}
      {agent.state === "retired" && <Notice>{t.agents.life.retiredNote}</Notice>}
      {!may && <p className="text-sm text-muted">{t.agents.readOnly}</p>}
      {hasDraft && (
        <Notice tone="warn">
          {s.draft}{" "}
          <Link
            to="/agents/$agentId/edit"
            params={{ agentId: agent.id }}
            className="font-medium underline underline-offset-2"
          >
            {s.goOn}
          </Link>
        </Notice>
      )}
    </>
  );
}

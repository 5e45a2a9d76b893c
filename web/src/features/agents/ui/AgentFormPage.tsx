import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useIdentity } from "@/app/useAuth";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Fetched } from "@/ui/Fetched";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { toast } from "@/ui/toast";
import { type Agent, agentQuery, useChangeAgent, useCreateAgent } from "../api/agents";
import { draftKey } from "../model/draft";
import { blank, bodyOf, changeOf, formOf } from "../model/form";
import { AgentForm } from "./AgentForm";

const s = t.agents.form;

export function NewAgentPage() {
  const navigate = useNavigate();
  const who = useIdentity();
  const create = useCreateAgent();
  return (
    <>
      <PageTitle title={s.newTitle} />
      <PageHeader
        above={<BackLink to="/agents">{t.agents.title}</BackLink>}
        title={s.newTitle}
        detail={s.newDetail}
      />
      <AgentForm
        draftKey={draftKey(who, "new")}
        version={0}
        before={blank}
        action={s.create}
        busy={create.isPending}
        error={create.error}
        onDiscard={() => void navigate({ to: "/agents" })}
        onSubmit={(form, _, done) =>
          create.mutate(bodyOf(form), {
            onSuccess: (agent) => {
              done();
              toast({ title: s.created(agent.name) });
              void navigate({
                to: "/agents/$agentId",
                params: { agentId: agent.id },
                search: { tab: "try" },
              });
            },
          })
        }
      />
    </>
  );
}

export function EditAgentPage() {
  const { agentId } = useParams({ from: "/signed-in/shell/agents/$agentId/edit" });
  const agent = useQuery(agentQuery(agentId));
  return <Fetched query={agent}>{(it) => <Edit key={it.id} agent={it} />}</Fetched>;
}

function Edit({ agent }: { agent: Agent }) {
  const navigate = useNavigate();
  const who = useIdentity();
  const change = useChangeAgent(agent.id);
  const params = { agentId: agent.id };
  const back = () => void navigate({ to: "/agents/$agentId", params });
  return (
    <>
      <PageTitle title={s.editTitle(agent.name)} />
      <PageHeader
        above={
          <BackLink to="/agents/$agentId" params={params}>
            {agent.name}
          </BackLink>
        }
        title={s.editTitle(agent.name)}
        detail={s.editDetail}
      />
      <AgentForm
        draftKey={draftKey(who, agent.id)}
        version={agent.version}
        before={formOf(agent)}
        action={s.save}
        busy={change.isPending}
        error={change.error}
        onDiscard={back}
        // What somebody else changed meanwhile stays as they left it.
        onSubmit={(form, before, done) =>
          change.mutate(changeOf(form, before), {
            onSuccess: (saved) => {
              done();
              toast({ title: s.saved(saved.name, saved.version) });
              back();
            },
          })
        }
      />
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useIdentity } from "@/app/useAuth";
import { historyQuery } from "@/features/record/api/history";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Fetched } from "@/ui/Fetched";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { toast } from "@/ui/toast";
import { type Tool, toolsQuery, useChangeTool, useCreateTool } from "../api/tools";
import { blank, changeOf, draftOf, formOf, type Known, versionsOf } from "../model/httpTool";
import { ToolForm } from "./ToolForm";
import { TOOL_HISTORY } from "./ToolOverview";
import { ToolGone } from "./ToolPage";

const s = t.tools.form;
const keyOf = (who: string, name: string) => `tool.${who}.${name}`;

export function NewToolPage() {
  const navigate = useNavigate();
  const who = useIdentity();
  const create = useCreateTool();
  return (
    <>
      <PageTitle title={s.newTitle} />
      <PageHeader
        above={<BackLink to="/tools">{t.tools.title}</BackLink>}
        title={s.newTitle}
        detail={s.newDetail}
      />
      <ToolForm
        isNew
        draftKey={keyOf(who, "")}
        before={blank}
        action={s.create}
        busy={create.isPending}
        error={create.error}
        onDiscard={() => void navigate({ to: "/tools" })}
        onSubmit={(form, done) =>
          create.mutate(
            { name: form.name, body: draftOf(form) },
            {
              onSuccess: (tool) => {
                done();
                toast({ title: s.created(tool.name) });
                void navigate({ to: "/tools/$name", params: { name: tool.name } });
              },
            },
          )
        }
      />
    </>
  );
}

export function EditToolPage() {
  const { name } = useParams({ from: "/signed-in/shell/tools/$name/edit" });
  const tools = useQuery(toolsQuery);
  const history = useQuery(historyQuery("tools", TOOL_HISTORY));
  const tool = tools.data?.find((it) => it.name === name && it.kind === "http");
  // Without the record the form still works: what it does not know stays as it is.
  const known = history.isError ? null : history.data && (versionsOf(history.data, name)[0] ?? null);
  return (
    <Fetched query={{ ...tools, data: known === undefined ? undefined : tools.data }}>
      {() => (tool ? <Edit key={tool.name} tool={tool} known={known ?? undefined} /> : <ToolGone />)}
    </Fetched>
  );
}

function Edit({ tool, known }: { tool: Tool; known: Known | undefined }) {
  const navigate = useNavigate();
  const who = useIdentity();
  const change = useChangeTool();
  const params = { name: tool.name };
  const back = () => void navigate({ to: "/tools/$name", params });
  return (
    <>
      <PageTitle title={s.editTitle(tool.name)} />
      <PageHeader
        above={
          <BackLink to="/tools/$name" params={params}>
            {tool.name}
          </BackLink>
        }
        title={s.editTitle(tool.name)}
        detail={s.editDetail}
      />
      <ToolForm
        draftKey={keyOf(who, tool.name)}
        before={formOf(tool, known)}
        action={s.save}
        busy={change.isPending}
        error={change.error}
        onDiscard={back}
        onSubmit={(form, done, before) =>
          change.mutate(
            { name: tool.name, body: changeOf(form, before) },
            {
              onSuccess: (saved) => {
                done();
                toast({ title: s.saved(saved.name, saved.version ?? 0) });
                back();
              },
            },
          )
        }
      />
    </>
  );
}

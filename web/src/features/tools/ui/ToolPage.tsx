import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Pencil, Wrench } from "lucide-react";
import { useMemo, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { agentsQuery } from "@/features/directory/api/directory";
import { CheckPanel } from "@/features/policies/ui/CheckPanel";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Empty } from "@/ui/Empty";
import { Fetched } from "@/ui/Fetched";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { toast } from "@/ui/toast";
import { type Tool, toolsQuery, useRemoveTool } from "../api/tools";
import { TOOL_TABS, type ToolTab } from "../model/names";
import { exampleOf } from "../model/schema";
import { ToolOverview } from "./ToolOverview";
import { TryPanel } from "./TryPanel";

const s = t.tools.page;

export function ToolPage() {
  const { name } = useParams({ from: "/signed-in/shell/tools/$name" });
  const tools = useQuery(toolsQuery);
  return (
    <Fetched query={tools}>
      {(all) => {
        const tool = all.find((it) => it.name === name);
        return tool ? <Loaded key={name} tool={tool} /> : <ToolGone />;
      }}
    </Fetched>
  );
}

export function ToolGone() {
  return (
    <Empty
      isPage
      icon={Wrench}
      title={s.goneTitle}
      action={
        <Link to="/tools" className={buttonClass({ look: "primary" })}>
          {t.tools.title}
        </Link>
      }
    >
      {s.goneDetail}
    </Empty>
  );
}

function Loaded({ tool }: { tool: Tool }) {
  const { tab = "overview" } = useSearch({ from: "/signed-in/shell/tools/$name" });
  const navigate = useNavigate();
  const params = { name: tool.name };
  const mayEdit = useMay("admin") && tool.kind === "http";
  const example = useMemo(() => exampleOf(tool.schema), [tool.schema]);
  const show = (next: ToolTab) =>
    void navigate({
      to: "/tools/$name",
      params,
      search: next === "overview" ? {} : { tab: next },
      replace: true,
    });
  useKeys([
    ...(mayEdit
      ? [
          {
            keys: "e",
            label: t.tools.form.editTitle(tool.name),
            group: "page" as const,
            run: () => void navigate({ to: "/tools/$name/edit", params }),
          },
        ]
      : []),
    { keys: "t", label: s.tabs.try, group: "page", run: () => show("try") },
    {
      keys: "escape",
      label: t.tools.title,
      group: "page",
      hidden: true,
      run: () => void navigate({ to: "/tools" }),
    },
  ]);
  return (
    <>
      <PageTitle title={tool.name} />
      <PageHeader
        above={<BackLink to="/tools">{t.tools.title}</BackLink>}
        title={
          <span className="flex min-w-0 flex-wrap items-center gap-2.5">
            <span className="min-w-0 font-mono text-base">{tool.name}</span>
            <Badge tone={tool.kind === "http" ? "accent" : "plain"}>
              {t.tools.kinds[tool.kind] ?? tool.kind}
            </Badge>
          </span>
        }
        detail={tool.description}
        actions={
          mayEdit && (
            <>
              <RemoveButton tool={tool} />
              <Link to="/tools/$name/edit" params={params} className={buttonClass({ look: "primary" })}>
                <Pencil aria-hidden /> {s.edit}
              </Link>
            </>
          )
        }
      />
      <Tabs<ToolTab>
        label={s.tabsLabel}
        value={tab}
        onChange={show}
        tabs={TOOL_TABS.map((name) => ({ name, label: s.tabs[name] }))}
      >
        <TabPanel name="overview">
          <ToolOverview tool={tool} />
        </TabPanel>
        <TabPanel name="policies">
          <div className="max-w-2xl">
            <CheckPanel tool={tool.name} args={example} />
          </div>
        </TabPanel>
        <TabPanel name="try">
          <TryPanel tool={tool} />
        </TabPanel>
      </Tabs>
    </>
  );
}

function RemoveButton({ tool }: { tool: Tool }) {
  const [isAsking, setAsking] = useState(false);
  const navigate = useNavigate();
  const remove = useRemoveTool();
  const users = (useQuery(agentsQuery).data ?? []).filter((it) => it.tools.includes(tool.name));
  // This button goes with the tool, maybe before the answer is here.
  const go = () =>
    void remove.mutateAsync(tool.name).then(
      () => {
        toast({ title: s.removed(tool.name) });
        void navigate({ to: "/tools" });
      },
      () => undefined,
    );
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>
        {s.remove}
      </Button>
      {isAsking && (
        <ConfirmDialog
          title={s.removeTitle(tool.name)}
          detail={s.removeDetail}
          confirm={s.remove}
          danger
          busy={remove.isPending}
          error={remove.error}
          onConfirm={go}
          onClose={() => setAsking(false)}
        >
          {users.length > 0 && (
            <p className="pt-2 text-sm">
              {s.usedBy(users.length)} {users.map((it) => it.name).join(", ")}
            </p>
          )}
        </ConfirmDialog>
      )}
    </>
  );
}

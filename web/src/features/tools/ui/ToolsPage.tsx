import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, SearchX } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { agentsQuery } from "@/features/directory/api/directory";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Fetched } from "@/ui/Fetched";
import { FindBox } from "@/ui/FindBox";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Select } from "@/ui/Select";
import { type Tool, toolsQuery } from "../api/tools";
import { TOOL_KINDS } from "../model/names";

const s = t.tools;
const grid =
  "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 md:grid-cols-[minmax(0,1fr)_15rem_7rem_6rem]";

export function ToolsPage() {
  const { kind } = useSearch({ from: "/signed-in/shell/tools" });
  const navigate = useNavigate();
  const tools = useQuery(toolsQuery);
  const may = useMay("admin");
  const [find, setFind] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const create = () => void navigate({ to: "/tools/http/new" });
  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => input.current?.focus() },
    ...(may ? [{ keys: "n", label: s.new, group: "page" as const, run: create }] : []),
  ]);
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        title={s.title}
        detail={s.detail}
        actions={
          may && (
            <Link to="/tools/http/new" className={buttonClass({ look: "primary" })}>
              <Plus aria-hidden /> {s.new}
            </Link>
          )
        }
      >
        <div className="flex flex-wrap items-center gap-2">
          <FindBox label={s.find} value={find} onChange={setFind} input={input} keys="/" />
          <Select
            label={s.filterKind}
            value={kind ?? ""}
            onChange={(value) => {
              const chosen = TOOL_KINDS.find((it) => it === value);
              void navigate({ to: "/tools", search: chosen ? { kind: chosen } : {} });
            }}
            options={[
              { value: "", name: s.anyKind },
              ...TOOL_KINDS.map((it) => ({ value: it, name: s.kinds[it] ?? it })),
            ]}
          />
        </div>
        {!may && <p className="text-sm text-muted">{s.readOnly}</p>}
      </PageHeader>
      <Fetched query={tools}>
        {(all) => {
          const shown = all.filter((it) => (!kind || it.kind === kind) && isFound(it, find));
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
                  <Row key={it.name} tool={it} />
                ))}
              </ul>
            </>
          );
        }}
      </Fetched>
    </>
  );
}

function isFound(tool: Tool, find: string): boolean {
  const wanted = find.trim().toLowerCase();
  return [tool.name, tool.description, ...tool.effects].some((it) => it.toLowerCase().includes(wanted));
}

function Head() {
  return (
    <div aria-hidden className="hidden border-b bg-sunken/60 px-6 md:block">
      <div className={cx(grid, "h-8 text-xs text-muted")}>
        <span>{s.columns.name}</span>
        <span>{s.columns.effect}</span>
        <span>{s.columns.needs}</span>
        <span className="text-right">{s.columns.agents}</span>
      </div>
    </div>
  );
}

function Row({ tool }: { tool: Tool }) {
  const agents = useQuery(agentsQuery).data ?? [];
  const users = agents.filter((it) => it.tools.includes(tool.name)).length;
  return (
    <li className="border-b hover:bg-hover/60">
      <Link
        to="/tools/$name"
        params={{ name: tool.name }}
        data-row={tool.name}
        className={cx(grid, "px-4 py-2.5 outline-offset-[-2px] md:px-6")}
      >
        <span className="min-w-0">
          <span className="flex min-w-0 items-center gap-2">
            <code className="truncate font-mono text-xs leading-5 font-medium">{tool.name}</code>
            {tool.kind !== "builtin" && <Badge tone="accent">{s.kinds[tool.kind] ?? tool.kind}</Badge>}
          </span>
          <span className="block truncate text-xs text-muted" title={tool.description}>
            {tool.description}
          </span>
        </span>
        <span className="hidden truncate text-sm text-muted md:block">
          {tool.effects.map((it) => s.effects[it] ?? it).join(", ")}
        </span>
        <span className="hidden text-sm text-muted md:block">{needsOf(tool)}</span>
        <span className="text-right text-xs text-muted tabular-nums md:text-sm">{s.agents(users)}</span>
      </Link>
    </li>
  );
}

export const needsOf = (tool: Tool) =>
  tool.needs.length === 0 ? s.needsNothing : tool.needs.map((it) => s.needs[it] ?? it).join(", ");

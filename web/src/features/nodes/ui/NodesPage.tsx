import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, SearchX, Server } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { Fetched } from "@/ui/Fetched";
import { FindBox } from "@/ui/FindBox";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Select } from "@/ui/Select";
import { Time } from "@/ui/Time";
import { type Node, nodesQuery } from "../api/nodes";
import { enforcementOf } from "../model/enforcement";
import { AddNodeDialog } from "./AddNodeDialog";
import { LevelBadge, StatusBadge } from "./badges";

const s = t.nodes;
const STATUSES = ["connected", "disconnected", "enrolled"];
const grid =
  "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 md:grid-cols-[minmax(0,1fr)_9rem_9rem_7.5rem_4.5rem]";

export function NodesPage() {
  const nodes = useQuery(nodesQuery);
  const may = useMay("admin");
  const [find, setFind] = useState("");
  const [status, setStatus] = useState("");
  const { add: isAdding = false } = useSearch({ from: "/signed-in/shell/nodes" });
  const navigate = useNavigate();
  const setAdding = (open: boolean) =>
    void navigate({ to: "/nodes", search: open ? { add: true } : {}, replace: true });
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => input.current?.focus() },
    ...(may ? [{ keys: "n", label: s.new, group: "page" as const, run: () => setAdding(true) }] : []),
  ]);
  const add = may && (
    <Button look="primary" icon={<Plus />} onClick={() => setAdding(true)}>
      {s.new}
    </Button>
  );
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail} actions={add}>
        <div className="flex flex-wrap items-center gap-2">
          <FindBox label={s.find} value={find} onChange={setFind} input={input} keys="/" />
          <Select
            label={s.filterStatus}
            value={status}
            onChange={setStatus}
            options={[
              { value: "", name: s.anyStatus },
              ...STATUSES.map((it) => ({ value: it, name: s.statuses[it] ?? it })),
            ]}
          />
        </div>
        {!may && <p className="text-sm text-muted">{s.readOnly}</p>}
      </PageHeader>
      <Fetched query={nodes}>
        {(all) => {
          const wanted = find.trim().toLowerCase();
          const shown = all.filter(
            (it) =>
              (status === "" || it.status === status) && `${it.name} ${it.id}`.toLowerCase().includes(wanted),
          );
          if (all.length === 0)
            return (
              <Empty icon={Server} title={s.emptyTitle} action={add}>
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
                  <Row key={it.id} node={it} />
                ))}
              </ul>
            </>
          );
        }}
      </Fetched>
      {isAdding && may && <AddNodeDialog onClose={() => setAdding(false)} />}
    </>
  );
}

function Head() {
  return (
    <div aria-hidden className="hidden border-b bg-sunken/60 px-6 md:block">
      <div className={cx(grid, "h-8 text-xs text-muted")}>
        <span>{s.columns.name}</span>
        <span>{s.columns.status}</span>
        <span>{s.columns.level}</span>
        <span>{s.columns.slots}</span>
        <span className="text-right">{s.columns.seen}</span>
      </div>
    </div>
  );
}

function Row({ node }: { node: Node }) {
  return (
    <li className="border-b hover:bg-hover/60">
      <Link
        to="/nodes/$nodeId"
        params={{ nodeId: node.id }}
        data-row={node.id}
        className={cx(grid, "px-4 py-2.5 outline-offset-[-2px] md:px-6")}
      >
        <span className="min-w-0">
          <span className="flex min-w-0 items-center gap-2 text-sm font-medium">
            <span className="truncate">{node.name}</span>
            {node.shared && <Badge>{s.shared}</Badge>}
          </span>
          <span className="block truncate text-xs text-muted">
            {node.version ? s.version(node.version) : (s.statuses[node.status] ?? "")}
          </span>
        </span>
        <span className="justify-self-end md:justify-self-start">
          <StatusBadge status={node.status} />
        </span>
        <span className="justify-self-start">
          <LevelBadge level={enforcementOf(node).level} />
        </span>
        <span className="hidden text-sm text-muted tabular-nums md:block">
          {typeof node.slots === "number" ? s.slots(node.slots) : "—"}
        </span>
        <span className="text-right text-xs text-muted md:text-sm">
          {node.last_seen_at ? <Time at={node.last_seen_at} /> : s.never}
        </span>
      </Link>
    </li>
  );
}

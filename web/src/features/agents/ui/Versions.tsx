import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { RotateCcw } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { useDirectory } from "@/features/directory/api/directory";
import { historyQuery } from "@/features/record/api/history";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Fetched } from "@/ui/Fetched";
import { LoadMore } from "@/ui/LoadMore";
import { Select } from "@/ui/Select";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Agent, useRollBack, type Version, versionsQuery } from "../api/agents";
import { type Made, makersOf } from "../model/changes";
import { VersionDiff } from "./VersionDiff";

const s = t.agents.versions;
const KINDS = ["agent.created", "agent.updated"];

/** Every version, and what each changed. */
export function Versions({ agent }: { agent: Agent }) {
  const search = useSearch({ from: "/signed-in/shell/agents/$agentId" });
  const versions = useInfiniteQuery(versionsQuery(agent.id));
  const history = useQuery(historyQuery("agents", KINDS)).data;
  const makers = useMemo(() => makersOf(history ?? [], agent.id), [history, agent.id]);
  const all = versions.data?.pages.flatMap((page) => page.items);
  const list = useRef<HTMLOListElement>(null);
  useRowKeys(list);
  const shown = search.version ?? agent.version;
  return (
    <Fetched query={{ ...versions, data: all }}>
      {(items) => (
        <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
          <div className="border-b lg:w-80 lg:shrink-0 lg:border-r lg:border-b-0">
            <ol ref={list} aria-label={s.list} className="max-h-72 overflow-y-auto lg:max-h-none">
              {items.map((it) => (
                <Row
                  key={it.version}
                  agent={agent}
                  version={it}
                  made={makers.get(it.version)}
                  isShown={it.version === shown}
                />
              ))}
            </ol>
            <LoadMore query={versions} />
          </div>
          <Shown key={shown} agent={agent} version={shown} from={search.from ?? shown - 1} />
        </div>
      )}
    </Fetched>
  );
}

interface RowProps {
  agent: Agent;
  version: Version;
  made: Made | undefined;
  isShown: boolean;
}

function Row({ agent, version, made, isShown }: RowProps) {
  const directory = useDirectory();
  return (
    <li className="border-b last:border-b-0">
      <Link
        to="/agents/$agentId"
        params={{ agentId: agent.id }}
        search={{ tab: "versions", version: version.version }}
        replace
        data-row={version.version}
        aria-current={isShown ? "true" : undefined}
        className={cx(
          "flex flex-col gap-0.5 px-4 py-2.5 outline-offset-[-2px] md:px-6",
          isShown ? "bg-accent-soft" : "hover:bg-hover/60",
        )}
      >
        <span className="flex items-center gap-2 text-sm font-medium">
          <span className="flex-1 first-letter:uppercase">{t.agents.page.version(version.version)}</span>
          {version.version === agent.version && <Badge tone="ok">{s.current}</Badge>}
        </span>
        <span className="flex items-center gap-1 text-xs text-muted">
          <Time at={version.created_at} />
          {made?.by && <span className="truncate">· {s.by(directory.name(made.by))}</span>}
          {made?.again !== undefined && <span className="truncate">· {s.again(made.again)}</span>}
        </span>
      </Link>
    </li>
  );
}

function Shown({ agent, version, from }: { agent: Agent; version: number; from: number }) {
  const navigate = useNavigate();
  const [isAsking, setAsking] = useState(false);
  const mayGoBack = useMay("admin") && agent.state !== "retired" && version !== agent.version;
  const others = Array.from({ length: agent.version }, (_, at) => agent.version - at).filter(
    (it) => it !== version,
  );
  return (
    <div className="flex min-w-0 flex-1 flex-col gap-4 p-4 md:p-6">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="min-w-0 flex-1 text-base font-semibold">
          {from >= 1 ? s.compare(from, version) : t.agents.page.version(version)}
        </h2>
        {others.length > 0 && (
          <Select
            label={s.from}
            value={String(from)}
            onChange={(value) =>
              void navigate({
                to: "/agents/$agentId",
                params: { agentId: agent.id },
                search: { tab: "versions", version, from: Number(value) },
                replace: true,
              })
            }
            options={[
              ...(from >= 1 ? [] : [{ value: String(from), name: s.from }]),
              ...others.map((it) => ({ value: String(it), name: t.agents.page.version(it) })),
            ]}
          />
        )}
        {mayGoBack && (
          <Button icon={<RotateCcw />} onClick={() => setAsking(true)}>
            {s.rollBack(version)}
          </Button>
        )}
      </div>
      <VersionDiff agentId={agent.id} from={from} to={version} />
      {isAsking && <AskRollBack agent={agent} version={version} onClose={() => setAsking(false)} />}
    </div>
  );
}

function AskRollBack({ agent, version, onClose }: { agent: Agent; version: number; onClose(): void }) {
  const navigate = useNavigate();
  const rollBack = useRollBack(agent.id);
  const go = () =>
    rollBack.mutate(version, {
      onSuccess: (now) => {
        toast({ title: now.version === agent.version ? s.same : s.rolledBack(now.version, version) });
        onClose();
        void navigate({
          to: "/agents/$agentId",
          params: { agentId: agent.id },
          search: { tab: "versions" },
          replace: true,
        });
      },
    });
  return (
    <ConfirmDialog
      title={s.rollBackTitle(version)}
      detail={s.rollBackDetail}
      confirm={s.rollBack(version)}
      busy={rollBack.isPending}
      error={rollBack.error}
      onConfirm={go}
      onClose={onClose}
    >
      <div className="pt-2">
        <VersionDiff agentId={agent.id} from={agent.version} to={version} />
      </div>
    </ConfirmDialog>
  );
}

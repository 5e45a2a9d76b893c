import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { LockKeyhole, Plus } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { useDirectory } from "@/features/directory/api/directory";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { FindBox } from "@/ui/FindBox";
import { Notice } from "@/ui/Notice";
import { Skeleton, SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { grantsQuery, type Secret, secretsQuery } from "../api/secrets";
import { NewSecretDialog } from "./SecretDialogs";

const s = t.secrets;

export function SecretsPage() {
  const may = useMay("admin");
  const secrets = useQuery(secretsQuery);
  const [isMaking, setMaking] = useState(false);
  const [words, setWords] = useState("");
  const find = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => find.current?.focus() },
    ...(may ? [{ keys: "n", label: s.newTitle, group: "page" as const, run: () => setMaking(true) }] : []),
  ]);
  const all = secrets.data ?? [];
  const shown = all.filter((it) => it.name.toLowerCase().includes(words.trim().toLowerCase()));
  const make = may && (
    <Button look="primary" icon={<Plus />} onClick={() => setMaking(true)}>
      {s.new}
    </Button>
  );
  return (
    <>
      <SettingsHeader title={s.title} detail={s.detail} actions={make}>
        {all.length > 0 && <FindBox label={s.find} value={words} onChange={setWords} input={find} keys="/" />}
      </SettingsHeader>
      <div className="flex max-w-4xl flex-col gap-4 p-4 md:p-6">
        {!may && <Notice>{s.readOnly}</Notice>}
        {secrets.isPending && <SkeletonRows rows={3} />}
        {secrets.isError && <ErrorNotice error={secrets.error} onRetry={() => void secrets.refetch()} />}
        {secrets.data?.length === 0 && (
          <Empty icon={LockKeyhole} title={s.emptyTitle} action={make}>
            {s.empty}
          </Empty>
        )}
        {all.length > 0 && shown.length === 0 && <p className="text-sm text-muted">{s.none}</p>}
        {shown.length > 0 && (
          <ul
            ref={list}
            aria-label={s.listLabel}
            className="overflow-hidden rounded-lg border bg-surface shadow-sm"
          >
            {shown.map((it) => (
              <Row key={it.id} secret={it} />
            ))}
          </ul>
        )}
      </div>
      {isMaking && <NewSecretDialog onClose={() => setMaking(false)} />}
    </>
  );
}

function Row({ secret }: { secret: Secret }) {
  return (
    <li className="border-b last:border-0">
      <Link
        to="/settings/secrets/$secretId"
        params={{ secretId: secret.id }}
        data-row={secret.id}
        className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 outline-offset-[-2px] hover:bg-hover/60"
      >
        <span className="min-w-48 flex-1">
          <span className="block font-mono text-sm font-medium">{secret.name}</span>
          <UsedBy id={secret.id} />
        </span>
        <span className="text-xs text-muted">
          {s.version(secret.version)} · {s.changedAt} <Time inSentence at={secret.updated_at} />
        </span>
      </Link>
    </li>
  );
}

/** In one line: which tools, and for which agents. */
function UsedBy({ id }: { id: string }) {
  const grants = useQuery(grantsQuery(id));
  const directory = useDirectory();
  if (grants.isPending) return <Skeleton className="mt-1 h-3 w-32" />;
  if (!grants.data) return null;
  const { tools, agents } = grants.data;
  if (tools.length === 0) return <Badge tone="warn">{s.nobody}</Badge>;
  return (
    <span className="block text-xs text-muted">
      {s.summary(
        tools,
        agents.map((it) => directory.name(it)),
      )}
    </span>
  );
}

import { useQuery } from "@tanstack/react-query";
import { MonitorSmartphone, SquareTerminal } from "lucide-react";
import { useState } from "react";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { ErrorNotice, explain } from "@/ui/ErrorNotice";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Login, loginsQuery, useEndLogins } from "../api/account";
import { clientName } from "../model/client";

const s = t.account;

export function SignIns() {
  const logins = useQuery(loginsQuery);
  const [isAsking, setAsking] = useState(false);
  const others = logins.data?.filter((it) => !it.current) ?? [];
  // The one that asks stands first, the others by when they were used.
  const sorted = [...(logins.data ?? [])].sort(
    (a, b) => Number(b.current) - Number(a.current) || b.last_used_at.localeCompare(a.last_used_at),
  );
  return (
    <Panel
      title={s.sessions}
      detail={s.sessionsDetail}
      aside={others.length > 1 && <Button onClick={() => setAsking(true)}>{s.endOthers}</Button>}
    >
      {logins.isPending && <SkeletonRows rows={2} />}
      {logins.isError && <ErrorNotice error={logins.error} onRetry={() => void logins.refetch()} />}
      <ul aria-label={s.sessions} className="-my-2">
        {sorted.map((it) => (
          <Row key={it.id} login={it} />
        ))}
      </ul>
      {isAsking && <EndOthers ids={others.map((it) => it.id)} onClose={() => setAsking(false)} />}
    </Panel>
  );
}

function Row({ login }: { login: Login }) {
  const end = useEndLogins();
  const name = clientName(login.client) ?? s.unknown;
  const Icon = login.method === "device" ? SquareTerminal : MonitorSmartphone;
  const finish = () =>
    end.mutate([login.id], {
      onSuccess: () => toast({ title: s.ended }),
      onError: (error) => toast({ tone: "bad", title: explain(error).title, detail: explain(error).detail }),
    });
  return (
    <li className="flex items-center gap-3 border-b py-2.5 last:border-0">
      <Icon aria-hidden className="size-4.5 shrink-0 text-muted" />
      <span className="min-w-0 flex-1">
        <span className="flex flex-wrap items-center gap-2 text-sm font-medium">
          <span title={login.client ?? undefined}>{name}</span>
          {login.current && <Badge tone="ok">{s.here}</Badge>}
        </span>
        <span className="block text-xs text-muted">
          {s.signedIn} <Time inSentence at={login.created_at} /> {s.methods[login.method]} · {s.used}{" "}
          <Time inSentence at={login.last_used_at} />
        </span>
      </span>
      {!login.current && (
        <Button size="sm" aria-label={s.endLabel(name)} busy={end.isPending} onClick={finish}>
          {s.end}
        </Button>
      )}
    </li>
  );
}

function EndOthers({ ids, onClose }: { ids: readonly string[]; onClose(): void }) {
  const end = useEndLogins();
  return (
    <ConfirmDialog
      danger
      title={s.endOthersTitle(ids.length)}
      detail={s.endOthersDetail}
      confirm={s.endOthers}
      busy={end.isPending}
      error={end.error}
      onConfirm={() =>
        end.mutate(ids, {
          onSuccess: () => {
            toast({ title: s.othersEnded });
            onClose();
          },
        })
      }
      onClose={onClose}
    />
  );
}

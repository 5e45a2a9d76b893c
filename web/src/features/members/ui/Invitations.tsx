import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { span } from "@/lib/time";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { type Invitation, invitationsQuery, useWithdrawInvitation } from "../api/members";

const s = t.members;

/** The invitations that nobody has accepted yet. */
export function Invitations() {
  const open = useQuery(invitationsQuery);
  const [asked, setAsked] = useState<Invitation>();
  return (
    <Panel title={s.pending}>
      {open.isPending && <SkeletonRows rows={1} />}
      {open.isError && <ErrorNotice error={open.error} onRetry={() => void open.refetch()} />}
      {open.data?.length === 0 && <p className="text-sm text-muted">{s.pendingNone}</p>}
      {open.data && open.data.length > 0 && (
        <ul aria-label={s.pending} className="-my-2">
          {open.data.map((it) => (
            <Row key={it.id} invitation={it} onWithdraw={() => setAsked(it)} />
          ))}
        </ul>
      )}
      {asked && <Withdraw invitation={asked} onClose={() => setAsked(undefined)} />}
    </Panel>
  );
}

function Row({ invitation, onWithdraw }: { invitation: Invitation; onWithdraw(): void }) {
  const directory = useDirectory();
  const left = Date.parse(invitation.expires_at) - useMinute();
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b py-2.5 last:border-0">
      <span className="min-w-40 flex-1">
        <span className="flex flex-wrap items-center gap-2 text-sm font-medium">
          {invitation.email} <Badge>{t.shell.roles[invitation.role]}</Badge>
        </span>
        <span className="text-xs text-muted">
          {s.invitedBy(directory.name(invitation.invited_by))} ·{" "}
          {left > 0 ? s.expiresIn(span(left)) : s.expired}
        </span>
      </span>
      <Button size="sm" aria-label={s.withdrawLabel(invitation.email)} onClick={onWithdraw}>
        {s.withdraw}
      </Button>
    </li>
  );
}

function Withdraw({ invitation, onClose }: { invitation: Invitation; onClose(): void }) {
  const withdraw = useWithdrawInvitation();
  return (
    <ConfirmDialog
      danger
      title={s.withdrawTitle(invitation.email)}
      detail={s.withdrawDetail}
      confirm={s.withdraw}
      busy={withdraw.isPending}
      error={withdraw.error}
      onConfirm={() =>
        withdraw.mutate(invitation.id, {
          onSuccess: () => {
            toast({ title: s.withdrawn });
            onClose();
          },
        })
      }
      onClose={onClose}
    />
  );
}

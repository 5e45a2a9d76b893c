import { Link } from "@tanstack/react-router";
import type { Org } from "@/api/auth";
import { isCode } from "@/api/problem";
import { useSignedIn } from "@/app/useAuth";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Dialog } from "@/ui/Dialog";
import { toast } from "@/ui/toast";
import { type Member, type Role, useChangeMember, useLeaveOrg, useRemoveMember } from "../api/members";

const s = t.members;

/** What is asked once more before it is done to a member. */
export type Asked =
  | { what: "role"; member: Member; role: Role; question: "own" | "owner" }
  | { what: "suspend" | "remove" | "leave" | "last-owner"; member: Member };

interface Props {
  asked: Asked;
  org: Org;
  onClose(): void;
}

export function MemberDialogs({ asked, org, onClose }: Props) {
  switch (asked.what) {
    case "role":
      return <RoleDialog {...asked} onClose={onClose} />;
    case "suspend":
      return <SuspendDialog member={asked.member} onClose={onClose} />;
    case "remove":
      return <RemoveDialog member={asked.member} onClose={onClose} />;
    case "leave":
      return <LeaveDialog member={asked.member} org={org} onClose={onClose} />;
    case "last-owner":
      return <LastOwnerDialog member={asked.member} onClose={onClose} />;
  }
}

interface OneProps {
  member: Member;
  onClose(): void;
}

function RoleDialog({
  member,
  role,
  question,
  onClose,
}: OneProps & { role: Role; question: "own" | "owner" }) {
  const { user } = useSignedIn();
  const change = useChangeMember(user.id);
  const isOwn = question === "own";
  if (isCode(change.error, "LAST_OWNER")) return <LastOwnerDialog member={member} onClose={onClose} />;
  return (
    <ConfirmDialog
      title={isOwn ? s.ownTitle : s.ownerTitle(member.name)}
      detail={isOwn ? s.ownDetail(t.shell.roles[role]) : s.ownerDetail}
      confirm={s.changeRole}
      busy={change.isPending}
      error={change.error}
      onConfirm={() =>
        change.mutate(
          { userId: member.user_id, change: { role } },
          {
            onSuccess: () => {
              toast({ title: s.changed(member.name, t.shell.roles[role]) });
              onClose();
            },
          },
        )
      }
      onClose={onClose}
    />
  );
}

function SuspendDialog({ member, onClose }: OneProps) {
  const { user } = useSignedIn();
  const change = useChangeMember(user.id);
  if (isCode(change.error, "LAST_OWNER")) return <LastOwnerDialog member={member} onClose={onClose} />;
  return (
    <ConfirmDialog
      danger
      title={s.suspendTitle(member.name)}
      detail={s.suspendDetail}
      confirm={s.suspend}
      busy={change.isPending}
      error={change.error}
      onConfirm={() =>
        change.mutate({ userId: member.user_id, change: { suspended: true } }, { onSuccess: onClose })
      }
      onClose={onClose}
    />
  );
}

function RemoveDialog({ member, onClose }: OneProps) {
  const remove = useRemoveMember();
  if (isCode(remove.error, "LAST_OWNER")) return <LastOwnerDialog member={member} onClose={onClose} />;
  return (
    <ConfirmDialog
      danger
      title={s.removeTitle(member.name)}
      detail={s.removeDetail}
      confirm={s.remove}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        remove.mutate(member.user_id, {
          onSuccess: () => {
            toast({ title: s.removed(member.name) });
            onClose();
          },
        })
      }
      onClose={onClose}
    />
  );
}

function LeaveDialog({ member, org, onClose }: OneProps & { org: Org }) {
  const leave = useLeaveOrg();
  if (isCode(leave.error, "LAST_OWNER")) return <LastOwnerDialog member={member} onClose={onClose} />;
  return (
    <ConfirmDialog
      danger
      title={s.leaveTitle(org.name)}
      detail={s.leaveDetail}
      confirm={s.leave}
      busy={leave.isPending}
      error={leave.error}
      onConfirm={() => leave.mutate(org.id, { onSuccess: () => void toast({ title: s.left(org.name) }) })}
      onClose={onClose}
    />
  );
}

/** Why it can't be done to the last owner, and what to do first. */
function LastOwnerDialog({ member, onClose }: OneProps) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={s.lastOwnerTitle}
      description={s.lastOwner(member.name)}
      footer={
        <>
          <Link to="/settings" className={buttonClass()}>
            {s.toSettings}
          </Link>
          <Button look="primary" onClick={onClose}>
            {t.common.close}
          </Button>
        </>
      }
    >
      <p className="pt-1 text-sm">{s.lastOwnerFix}</p>
    </Dialog>
  );
}

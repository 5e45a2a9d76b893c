import { Ellipsis, LogOut, UserMinus, UserRoundCheck, UserRoundX } from "lucide-react";
import { useSignedIn } from "@/app/useAuth";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { explain } from "@/ui/ErrorNotice";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { Select } from "@/ui/Select";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Member, type Role, useChangeMember } from "../api/members";
import { isLastOwner, mayChange, roleQuestion, rolesUpTo } from "../model/members";
import type { Asked } from "./MemberDialogs";

const s = t.members;

interface Props {
  member: Member;
  all: readonly Member[];
  onAsk(asked: Asked): void;
}

export function MemberRow({ member, all, onAsk }: Props) {
  const { user } = useSignedIn();
  return (
    <li
      data-row={member.user_id}
      tabIndex={-1}
      className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b px-4 py-3 outline-offset-[-2px] last:border-0 md:px-5"
    >
      <Avatar name={member.name} size="lg" />
      <span className="min-w-40 flex-1">
        <span className="flex flex-wrap items-center gap-2 text-sm font-medium">
          {member.name}
          {member.user_id === user.id && <Badge>{s.you}</Badge>}
          {member.suspended && <Badge tone="warn">{s.suspended}</Badge>}
        </span>
        <span className="block text-xs break-all text-muted">{member.email}</span>
      </span>
      <span className="hidden text-xs text-muted sm:block">
        {s.since} <Time inSentence at={member.joined_at} />
      </span>
      <span className="ml-auto flex items-center gap-1">
        <RoleOf member={member} all={all} onAsk={onAsk} />
        <Actions member={member} all={all} onAsk={onAsk} />
      </span>
    </li>
  );
}

/** The role: a choice for whoever may change it, else a word. */
function RoleOf({ member, all, onAsk }: Props) {
  const { user, org } = useSignedIn();
  const change = useChangeMember(user.id);
  const own = org?.role ?? "viewer";
  if (!mayChange(own, member)) {
    return (
      <span
        className="w-24 px-2 text-right text-sm text-muted"
        title={own === "admin" ? s.aboveYou : undefined}
      >
        {t.shell.roles[member.role]}
      </span>
    );
  }
  const set = (role: Role, told: boolean) =>
    change.mutate(
      { userId: member.user_id, change: { role } },
      {
        onSuccess: () =>
          told &&
          toast({
            title: s.changed(member.name, t.shell.roles[role]),
            action: { label: s.undo, run: () => set(member.role, false) },
          }),
        onError: (error) =>
          toast({ tone: "bad", title: explain(error).title, detail: explain(error).detail }),
      },
    );
  const choose = (value: string) => {
    const role = value as Role;
    if (role !== "owner" && isLastOwner(member, all)) return onAsk({ what: "last-owner", member });
    const question = roleQuestion(member, role, user.id);
    if (question) return onAsk({ what: "role", member, role, question });
    set(role, true);
  };
  return (
    <Select
      label={s.roleOf(member.name)}
      value={member.role}
      onChange={choose}
      options={rolesUpTo(own).map((it) => ({ value: it, name: t.shell.roles[it] }))}
    />
  );
}

function Actions({ member, all, onAsk }: Props) {
  const { user, org } = useSignedIn();
  const change = useChangeMember(user.id);
  const isMe = member.user_id === user.id;
  const may = mayChange(org?.role ?? "viewer", member) && !isMe;
  const orLast = (asked: Asked) => onAsk(isLastOwner(member, all) ? { what: "last-owner", member } : asked);
  // The same room as the button has, so that the roles stand in a column.
  if (!may && !isMe) return <span className="w-8" />;
  return (
    <Menu trigger={<IconButton label={s.actionsOf(member.name)} icon={<Ellipsis />} />}>
      {may && member.suspended && (
        <MenuItem
          onSelect={() =>
            change.mutate(
              { userId: member.user_id, change: { suspended: false } },
              {
                onSuccess: () => toast({ title: s.lifted(member.name) }),
                onError: (error) =>
                  toast({ tone: "bad", title: explain(error).title, detail: explain(error).detail }),
              },
            )
          }
        >
          <UserRoundCheck /> {s.unsuspend}
        </MenuItem>
      )}
      {may && !member.suspended && (
        <MenuItem onSelect={() => orLast({ what: "suspend", member })}>
          <UserRoundX /> {s.suspend}
        </MenuItem>
      )}
      {may && <MenuLine />}
      {may && (
        <MenuItem danger onSelect={() => orLast({ what: "remove", member })}>
          <UserMinus /> {s.remove}
        </MenuItem>
      )}
      {isMe && (
        <MenuItem danger onSelect={() => orLast({ what: "leave", member })}>
          <LogOut /> {s.leave}
        </MenuItem>
      )}
    </Menu>
  );
}

import { useQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay, useSignedIn } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { membersQuery } from "@/features/directory/api/directory";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { FindBox } from "@/ui/FindBox";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeleton";
import { rolesQuery } from "../api/members";
import { found } from "../model/members";
import { Invitations } from "./Invitations";
import { InviteDialog } from "./InviteDialog";
import { type Asked, MemberDialogs } from "./MemberDialogs";
import { MemberRow } from "./MemberRow";

const s = t.members;

export function MembersPage() {
  const { org } = useSignedIn();
  const may = useMay("admin");
  const members = useQuery(membersQuery);
  const [words, setWords] = useState("");
  const [isInviting, setInviting] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const find = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => find.current?.focus() },
    ...(may
      ? [{ keys: "n", label: s.inviteTitle, group: "page" as const, run: () => setInviting(true) }]
      : []),
  ]);
  const all = members.data ?? [];
  const shown = found(all, words);
  return (
    <>
      <SettingsHeader
        title={s.title}
        detail={s.detail}
        actions={
          may && (
            <Button look="primary" icon={<UserPlus />} onClick={() => setInviting(true)}>
              {s.invite}
            </Button>
          )
        }
      />
      <div className="flex max-w-4xl flex-col gap-5 p-4 md:p-6">
        {!may && <Notice>{s.readOnly}</Notice>}
        <Panel
          title={members.data ? s.count(all.length) : s.title}
          aside={<FindBox label={s.find} value={words} onChange={setWords} input={find} keys="/" />}
        >
          <div className="-mx-4 -my-4 md:-mx-5">
            {members.isPending && <SkeletonRows rows={3} className="px-5" />}
            {members.isError && (
              <div className="p-4">
                <ErrorNotice error={members.error} onRetry={() => void members.refetch()} />
              </div>
            )}
            {members.data && shown.length === 0 && <p className="px-5 py-6 text-sm text-muted">{s.none}</p>}
            <ul ref={list} aria-label={s.title}>
              {shown.map((it) => (
                <MemberRow key={it.user_id} member={it} all={all} onAsk={setAsked} />
              ))}
            </ul>
          </div>
        </Panel>
        {may && <Invitations />}
        <Roles />
      </div>
      {org && asked && <MemberDialogs asked={asked} org={org} onClose={() => setAsked(undefined)} />}
      {isInviting && <InviteDialog onClose={() => setInviting(false)} />}
    </>
  );
}

function Roles() {
  const roles = useQuery(rolesQuery);
  return (
    <Panel title={s.roles} detail={s.rolesDetail}>
      <dl className="flex flex-col gap-3">
        {roles.data?.map((role) => (
          <div key={role} className="grid gap-x-4 sm:grid-cols-[6rem_minmax(0,1fr)]">
            <dt className="text-sm font-medium">
              {t.shell.roles[role as keyof typeof t.shell.roles] ?? role}
            </dt>
            <dd className="text-sm text-muted">{s.may[role]}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

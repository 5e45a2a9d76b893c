import { useNavigate } from "@tanstack/react-router";
import { Archive, ArrowLeft, Ellipsis, Lock, Pencil, Users } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import { useMay, useSignedIn } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { dollars } from "@/lib/format";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Menu, MenuItem } from "@/ui/Menu";
import { toast } from "@/ui/toast";
import { type Session, useArchive, useChangeChat } from "../api/chats";
import { MembersDialog } from "./MembersDialog";

export function ChatHeader({ session, present }: { session: Session; present: readonly string[] }) {
  const navigate = useNavigate();
  const directory = useDirectory();
  const { user } = useSignedIn();
  const mayWrite = useMay("member");
  const [open, setOpen] = useState<"rename" | "members">();
  const archive = useArchive(session.id);
  const others = present.filter((it) => it !== user.id);
  const cost = session.usage.cost_usd_micros;

  const putAway = () =>
    archive.mutate(undefined, {
      onSuccess: () => toast({ title: t.chats.archiveDone }),
    });
  return (
    <header className="flex min-h-14 items-center gap-2 border-b px-3 py-2 sm:px-5">
      <IconButton
        label={t.chats.back}
        icon={<ArrowLeft />}
        className="lg:hidden"
        onClick={() => void navigate({ to: "/chats" })}
      />
      <div className="min-w-0 flex-1">
        <h2 className="truncate text-base font-semibold">{session.title || t.chats.untitled}</h2>
        <p className="truncate text-xs text-muted">
          {session.agent_ids.map(directory.name).join(", ")}
          {cost > 0 && ` · ${dollars(cost)}`}
        </p>
      </div>
      {session.held && (
        <Badge tone="warn">
          <Lock aria-hidden /> {t.chats.held}
        </Badge>
      )}
      {others.length > 0 && (
        <span
          role="img"
          aria-label={t.chats.present(others.map(directory.name).join(", "))}
          className="flex -space-x-1.5"
        >
          {others.slice(0, 4).map((it) => (
            <span key={it} title={directory.name(it)} className="rounded-full ring-2 ring-bg">
              <Avatar name={directory.name(it)} size="sm" />
            </span>
          ))}
        </span>
      )}
      {mayWrite && (
        <Menu trigger={<IconButton label={t.chats.more} icon={<Ellipsis />} />}>
          <MenuItem onSelect={() => setOpen("rename")}>
            <Pencil /> {t.chats.rename}
          </MenuItem>
          <MenuItem onSelect={() => setOpen("members")}>
            <Users /> {t.chats.members}
          </MenuItem>
          {session.status !== "archived" && (
            <MenuItem onSelect={putAway}>
              <Archive /> {t.chats.archive}
            </MenuItem>
          )}
        </Menu>
      )}
      {open === "rename" && <RenameDialog session={session} onClose={() => setOpen(undefined)} />}
      {open === "members" && <MembersDialog session={session} onClose={() => setOpen(undefined)} />}
    </header>
  );
}

function RenameDialog({ session, onClose }: { session: Session; onClose(): void }) {
  const form = useId();
  const [title, setTitle] = useState(session.title);
  const change = useChangeChat(session.id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ title: title.trim() }, { onSuccess: onClose });
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t.chats.rename}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" form={form} look="primary" busy={change.isPending}>
            {t.common.save}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3 pt-1">
        {change.error && <ErrorNotice error={change.error} />}
        <TextField
          label={t.chats.titleLabel}
          value={title}
          maxLength={200}
          onChange={(event) => setTitle(event.target.value)}
        />
      </form>
    </Dialog>
  );
}

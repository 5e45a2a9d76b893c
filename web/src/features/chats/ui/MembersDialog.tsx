import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { chatMembersQuery, type Session, useChangeChat, useSetPerson } from "../api/chats";

/** Which agents and people take part; each tick holds at once. */
export function MembersDialog({ session, onClose }: { session: Session; onClose(): void }) {
  const directory = useDirectory();
  const members = useQuery(chatMembersQuery(session.id));
  const change = useChangeChat(session.id);
  const setPerson = useSetPerson(session.id);
  const inChat = new Set(members.data?.items.map((it) => it.user_id));
  const agents = directory.agents.filter((it) => it.state === "active" || session.agent_ids.includes(it.id));
  const toggleAgent = (id: string, isIn: boolean) =>
    change.mutate({
      agent_ids: isIn ? [...session.agent_ids, id] : session.agent_ids.filter((it) => it !== id),
    });
  const error = change.error ?? setPerson.error ?? members.error;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t.chats.members}
      description={t.chats.membersDetail}
    >
      {error && <ErrorNotice error={error} />}
      <Group title={t.chats.agents}>
        {agents.map((it) => (
          <Choice
            key={it.id}
            name={it.name}
            agent
            checked={session.agent_ids.includes(it.id)}
            disabled={change.isPending}
            onChange={(isIn) => toggleAgent(it.id, isIn)}
          />
        ))}
      </Group>
      <Group title={t.chats.people}>
        {directory.members.map((it) => (
          <Choice
            key={it.user_id}
            name={it.name}
            checked={inChat.has(it.user_id)}
            disabled={setPerson.isPending || members.isPending}
            onChange={(isIn) => setPerson.mutate({ user_id: it.user_id, isIn })}
          />
        ))}
      </Group>
    </Dialog>
  );
}

const Group = ({ title, children }: { title: string; children: ReactNode }) => (
  <fieldset className="mt-3">
    <legend className="mb-1 text-xs text-muted">{title}</legend>
    {children}
  </fieldset>
);

interface ChoiceProps {
  name: string;
  agent?: boolean;
  checked: boolean;
  disabled: boolean;
  onChange(checked: boolean): void;
}

const Choice = ({ name, agent, checked, disabled, onChange }: ChoiceProps) => (
  <label className="flex items-center gap-3 rounded-md px-2 py-1.5 hover:bg-hover">
    <input
      type="checkbox"
      checked={checked}
      disabled={disabled}
      onChange={(event) => onChange(event.target.checked)}
      className="size-4 accent-accent"
    />
    <Avatar name={name} agent={agent === true} />
    <span className="min-w-0 truncate text-sm">{name}</span>
  </label>
);

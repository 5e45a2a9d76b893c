import { Link, useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Button, buttonClass } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { useCreateChat } from "../api/chats";

export function NewChatDialog({ onClose }: { onClose(): void }) {
  const form = useId();
  const navigate = useNavigate();
  const directory = useDirectory();
  const agents = directory.agents.filter((it) => it.state === "active");
  const [chosen, setChosen] = useState<string[]>();
  const create = useCreateChat();
  // The first agent, until somebody chooses.
  const ids = chosen ?? agents.slice(0, 1).map((it) => it.id);
  const toggle = (id: string) => setChosen(ids.includes(id) ? ids.filter((it) => it !== id) : [...ids, id]);
  const start = () =>
    create.mutate(
      { agent_ids: ids },
      {
        onSuccess: (session) => {
          onClose();
          void navigate({ to: "/chats/$sessionId", params: { sessionId: session.id } });
        },
      },
    );
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t.chats.newTitle}
      description={t.chats.newDetail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            type="submit"
            form={form}
            look="primary"
            busy={create.isPending}
            disabled={ids.length === 0}
          >
            {t.chats.start}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-1 pt-2"
        onSubmit={(event) => {
          event.preventDefault();
          start();
        }}
      >
        {create.error && <ErrorNotice error={create.error} />}
        {directory.isKnown && agents.length === 0 && (
          <Notice title={t.chats.noAgentsTitle}>
            <p>{t.chats.noAgents}</p>
            <Link to="/start" className={`${buttonClass({ size: "sm" })} mt-2`}>
              {t.chats.toStart}
            </Link>
          </Notice>
        )}
        {agents.map((agent) => (
          <label
            key={agent.id}
            className="flex items-center gap-3 rounded-md px-2 py-2 hover:bg-hover has-checked:bg-accent-soft"
          >
            <input
              type="checkbox"
              checked={ids.includes(agent.id)}
              onChange={() => toggle(agent.id)}
              className="size-4 shrink-0 accent-accent"
            />
            <Avatar name={agent.name} agent />
            <span className="min-w-0 flex-1">
              <span className="block text-sm font-medium">{agent.name}</span>
              <span className="line-clamp-2 text-xs text-muted" title={agent.description}>
                {agent.description}
              </span>
            </span>
          </label>
        ))}
      </form>
    </Dialog>
  );
}

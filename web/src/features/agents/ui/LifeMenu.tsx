import { useNavigate } from "@tanstack/react-router";
import { Archive, Ellipsis, Pause, Play, Trash2 } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { IconButton } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Menu, MenuItem, MenuLine } from "@/ui/Menu";
import { toast } from "@/ui/toast";
import { type Agent, type Turn, useDeleteAgent, useTurnAgent } from "../api/agents";

const s = t.agents.life;
type Act = Turn | "delete";

const icons = { pause: Pause, activate: Play, retire: Archive, delete: Trash2 };
const said = {
  pause: { title: s.pauseTitle, detail: s.pauseDetail, done: s.paused },
  activate: { title: s.activateTitle, detail: s.activateDetail, done: s.activated },
  retire: { title: s.retireTitle, detail: s.retireDetail, done: s.retired },
  delete: { title: s.deleteTitle, detail: s.deleteDetail, done: s.deleted },
};

/** The steps of an agent's life, each with what it means before it is taken. */
export function LifeMenu({ agent }: { agent: Agent }) {
  const may = useMay("admin");
  const [act, setAct] = useState<Act>();
  if (!may) return null;
  const turns: Act[] =
    agent.state === "retired" ? [] : [agent.state === "active" ? "pause" : "activate", "retire"];
  return (
    <>
      <Menu trigger={<IconButton label={t.agents.page.more} look="secondary" icon={<Ellipsis />} />}>
        {turns.map((it) => (
          <Item key={it} act={it} onSelect={setAct} />
        ))}
        {turns.length > 0 && <MenuLine />}
        <Item act="delete" onSelect={setAct} />
      </Menu>
      {act && <Ask agent={agent} act={act} onClose={() => setAct(undefined)} />}
    </>
  );
}

function Item({ act, onSelect }: { act: Act; onSelect(act: Act): void }) {
  const Icon = icons[act];
  return (
    <MenuItem danger={act === "delete" || act === "retire"} onSelect={() => onSelect(act)}>
      <Icon aria-hidden /> {s[act]}
    </MenuItem>
  );
}

function Ask({ agent, act, onClose }: { agent: Agent; act: Act; onClose(): void }) {
  const navigate = useNavigate();
  const turn = useTurnAgent(agent.id);
  const remove = useDeleteAgent(agent.id);
  const { title, detail, done } = said[act];
  const onSuccess = () => {
    toast({ title: done(agent.name) });
    if (act === "delete") void navigate({ to: "/agents" });
    else onClose();
  };
  return (
    <ConfirmDialog
      title={title(agent.name)}
      detail={detail}
      confirm={s[act]}
      danger={act === "retire" || act === "delete"}
      busy={turn.isPending || remove.isPending}
      error={turn.error ?? remove.error}
      onClose={onClose}
      onConfirm={() =>
        act === "delete" ? remove.mutate(undefined, { onSuccess }) : turn.mutate(act, { onSuccess })
      }
    />
  );
}

import { BookmarkPlus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useIdentity } from "@/app/useAuth";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import type { RunFilter } from "../api/runs";
import { builtIn, forgetView, isSameFilter, savedViews, saveView } from "../model/views";

const s = t.runs.views;

/** Filters under names: those that everybody has, and one's own. */
export function RunViews({ filter, onChoose }: { filter: RunFilter; onChoose(filter: RunFilter): void }) {
  const [who] = useState(useIdentity());
  const [saved, setSaved] = useState(() => savedViews(who));
  const [isNaming, setNaming] = useState(false);
  const all = [...builtIn, ...saved];
  const current = all.find((it) => isSameFilter(it.filter, filter));
  return (
    <nav aria-label={s.label} className="-mx-1 flex items-center gap-1 overflow-x-auto px-1 py-0.5">
      {all.map((view) => {
        const isCurrent = view === current;
        const isOwn = saved.includes(view);
        return (
          <span
            key={view.name}
            className={cx(
              "flex shrink-0 items-center rounded-md",
              isCurrent ? "bg-hover text-text" : "text-muted hover:bg-hover hover:text-text",
            )}
          >
            <button
              type="button"
              aria-current={isCurrent ? "true" : undefined}
              onClick={() => onChoose(view.filter)}
              className="h-7 rounded-md px-2.5 text-sm font-medium"
            >
              {view.name}
            </button>
            {isOwn && isCurrent && (
              <IconButton
                label={s.remove(view.name)}
                size="sm"
                icon={<X />}
                onClick={() => setSaved(forgetView(who, view.name))}
              />
            )}
          </span>
        );
      })}
      {!current && (
        <Button look="ghost" size="sm" icon={<BookmarkPlus />} onClick={() => setNaming(true)}>
          {s.save}
        </Button>
      )}
      <NameDialog
        open={isNaming}
        onOpenChange={setNaming}
        onName={(name) => setSaved(saveView(who, { name, filter }))}
      />
    </nav>
  );
}

interface NameProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  onName(name: string): void;
}

function NameDialog({ open, onOpenChange, onName }: NameProps) {
  const [name, setName] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") return;
    onName(name.trim());
    setName("");
    onOpenChange(false);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={s.saveTitle}
      description={s.saveDetail}
      footer={
        <Button look="primary" type="submit" form="name-view">
          {t.common.save}
        </Button>
      }
    >
      <form id="name-view" onSubmit={submit} className="pt-2">
        <TextField
          label={s.name}
          required
          maxLength={60}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}

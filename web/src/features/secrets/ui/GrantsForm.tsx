import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useMay } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { toolsQuery } from "@/features/tools/api/tools";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { FindBox } from "@/ui/FindBox";
import { toast } from "@/ui/toast";
import { type Grants, useSetGrants } from "../api/secrets";
import { type Choice, grantedFirst, isSame, toggled, withGone } from "../model/grants";

const s = t.secrets;

/** Which tools and agents may use a secret; saved together, since the server takes them together. */
export function GrantsForm({ id, granted }: { id: string; granted: Grants }) {
  const may = useMay("admin");
  const tools = useQuery(toolsQuery).data ?? [];
  const { agents } = useDirectory();
  const set = useSetGrants();
  const [draft, setDraft] = useState<Grants>();
  const chosen = draft ?? granted;
  const isChanged = draft !== undefined && !isSame(draft, granted);
  const ofTools = tools
    .toSorted(
      (a, b) => Number(a.kind === "builtin") - Number(b.kind === "builtin") || a.name.localeCompare(b.name),
    )
    .map((it) => ({ id: it.name, name: it.name, note: it.kind === "builtin" ? s.builtin : undefined }));
  const ofAgents = agents.map((it) => ({ id: it.id, name: it.name }));
  const save = () =>
    set.mutate(
      { id, ...chosen },
      {
        onSuccess: () => {
          setDraft(undefined);
          toast({ title: s.saved });
        },
      },
    );
  return (
    <div className="flex flex-col gap-4">
      {set.error && <ErrorNotice error={set.error} />}
      <div className="grid gap-5 sm:grid-cols-2">
        <Choices
          legend={s.tools}
          find={s.findTools}
          none={s.noTools}
          choices={grantedFirst(withGone(ofTools, granted.tools, s.gone), granted.tools)}
          chosen={chosen.tools}
          disabled={!may}
          onToggle={(it) => setDraft({ ...chosen, tools: toggled(chosen.tools, it) })}
        />
        <Choices
          legend={s.agents}
          find={s.findAgents}
          none={s.noAgents}
          choices={grantedFirst(withGone(ofAgents, granted.agents, s.gone), granted.agents)}
          chosen={chosen.agents}
          disabled={!may}
          onToggle={(it) => setDraft({ ...chosen, agents: toggled(chosen.agents, it) })}
        />
      </div>
      {may && isChanged && (
        <div className="flex items-center gap-2">
          <Button look="primary" busy={set.isPending} onClick={save}>
            {s.save}
          </Button>
          <Button onClick={() => setDraft(undefined)}>{s.undo}</Button>
          <span className="text-xs text-warn">{s.unsaved}</span>
        </div>
      )}
      {!may && <p className="text-xs text-muted">{s.grantsReadOnly}</p>}
    </div>
  );
}

interface ChoicesProps {
  legend: string;
  find: string;
  none: string;
  choices: readonly Choice[];
  chosen: readonly string[];
  disabled: boolean;
  onToggle(id: string): void;
}

/** More than this many, and there is a field to find them by. */
const MANY = 8;

function Choices({ legend, find, none, choices, chosen, disabled, onToggle }: ChoicesProps) {
  const group = useId();
  const [words, setWords] = useState("");
  const wanted = words.trim().toLowerCase();
  const shown = choices.filter((it) => it.name.toLowerCase().includes(wanted));
  return (
    <fieldset className="min-w-0" disabled={disabled}>
      <legend className="mb-2 text-sm font-medium">{legend}</legend>
      {choices.length > MANY && (
        <div className="mb-2">
          <FindBox label={find} value={words} onChange={setWords} />
        </div>
      )}
      {choices.length === 0 && <p className="text-sm text-muted">{none}</p>}
      {/* What can't be reached by keys is shown whole, because it could not be scrolled by them either. */}
      <div
        className={cx(
          "flex flex-col rounded-md border empty:hidden",
          !disabled && "max-h-64 overflow-y-auto",
        )}
      >
        {shown.map((it) => (
          <label
            key={it.id}
            className="flex items-center gap-2.5 border-b px-3 py-2 text-sm last:border-0 has-enabled:hover:bg-hover/60"
          >
            <input
              type="checkbox"
              name={group}
              checked={chosen.includes(it.id)}
              onChange={() => onToggle(it.id)}
              className="size-4 shrink-0 accent-accent"
            />
            <span className="min-w-0 flex-1 break-words">{it.name}</span>
            {it.note && <span className="text-xs text-muted">{it.note}</span>}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

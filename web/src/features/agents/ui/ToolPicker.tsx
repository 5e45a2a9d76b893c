import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { type Tool, toolsQuery } from "@/features/tools/api/tools";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Fetched } from "@/ui/Fetched";
import { FindBox } from "@/ui/FindBox";

const s = t.agents.form;

interface Props {
  chosen: readonly string[];
  onChange(next: string[]): void;
  flaw?: string | undefined;
}

/** The tools that there are, to choose from; each says what it does to the world. */
export function ToolPicker({ chosen, onChange, flaw }: Props) {
  const tools = useQuery(toolsQuery);
  const [find, setFind] = useState("");
  const [onlyChosen, setOnlyChosen] = useState(false);
  const id = useId();
  const toggle = (name: string) =>
    onChange(chosen.includes(name) ? chosen.filter((it) => it !== name) : [...chosen, name]);
  return (
    <fieldset className="flex min-w-0 flex-col gap-2" aria-describedby={flaw ? id : undefined}>
      <legend className="mb-2 text-sm font-medium">{t.agents.members.tools}</legend>
      <Fetched query={tools}>
        {(all) => {
          const gone = chosen.filter((name) => !all.some((it) => it.name === name));
          const shown = all.filter((it) => fits(it, find) && (!onlyChosen || chosen.includes(it.name)));
          return (
            <>
              <div className="flex flex-wrap items-center gap-2">
                <FindBox label={s.pickFind} value={find} onChange={setFind} />
                <Button
                  size="sm"
                  onClick={() => onChange([...new Set([...chosen, ...shown.map((it) => it.name)])])}
                >
                  {s.pickAll}
                </Button>
                <Button size="sm" disabled={chosen.length === 0} onClick={() => onChange([])}>
                  {s.pickNone}
                </Button>
                <label className="flex items-center gap-2 text-sm">
                  <input
                    type="checkbox"
                    checked={onlyChosen}
                    onChange={(event) => setOnlyChosen(event.target.checked)}
                    className="size-4 accent-accent"
                  />
                  {s.onlyPicked}
                </label>
                <span role="status" className="ml-auto text-xs text-muted tabular-nums">
                  {s.picked(chosen.length)}
                </span>
              </div>
              <div
                className={cx("max-h-96 overflow-y-auto rounded-md border bg-surface", flaw && "border-bad")}
              >
                {shown.length === 0 && gone.length === 0 && (
                  <p className="p-4 text-sm text-muted">{s.pickEmpty}</p>
                )}
                {gone.map((name) => (
                  <Choice key={name} name={name} detail={s.toolGone} isChosen onToggle={() => toggle(name)} />
                ))}
                {shown.map((it) => (
                  <Choice
                    key={it.name}
                    name={it.name}
                    detail={it.description}
                    tool={it}
                    isChosen={chosen.includes(it.name)}
                    onToggle={() => toggle(it.name)}
                  />
                ))}
              </div>
            </>
          );
        }}
      </Fetched>
      <p id={id} className={cx("text-xs", flaw ? "text-bad" : "text-muted")}>
        {flaw ?? s.skills}
      </p>
    </fieldset>
  );
}

const fits = (tool: Tool, find: string) =>
  [tool.name, tool.description, ...tool.effects].some((it) =>
    it.toLowerCase().includes(find.trim().toLowerCase()),
  );

interface ChoiceProps {
  name: string;
  detail: string;
  tool?: Tool;
  isChosen: boolean;
  onToggle(): void;
}

function Choice({ name, detail, tool, isChosen, onToggle }: ChoiceProps) {
  return (
    <label className="flex min-w-0 items-start gap-3 border-b px-3 py-2 last:border-b-0 hover:bg-hover/60 has-checked:bg-accent-soft">
      <input
        type="checkbox"
        checked={isChosen}
        onChange={onToggle}
        className="mt-0.5 size-4 shrink-0 accent-accent"
      />
      <span className="flex min-w-0 flex-1 flex-col">
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <code className="font-mono text-xs font-medium">{name}</code>
          {tool?.effects
            .filter((it) => it !== name)
            .map((it) => (
              <Badge key={it}>{it}</Badge>
            ))}
          {tool?.kind === "http" && <Badge tone="accent">{t.tools.kinds.http}</Badge>}
        </span>
        <span className={cx("text-xs", tool ? "text-muted" : "text-bad")}>{detail}</span>
      </span>
    </label>
  );
}

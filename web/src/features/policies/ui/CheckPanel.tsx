import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { VerdictBadge } from "@/features/runs/ui/StateBadge";
import { cx } from "@/lib/cx";
import { pretty } from "@/lib/format";
import { parseObject } from "@/lib/json";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field } from "@/ui/Field";
import { Said } from "@/ui/Said";
import { toolsQuery, useCheck } from "../api/policies";

const s = t.policies.check;

interface Props {
  /** What it begins with. */
  tool?: string;
  args?: Record<string, unknown>;
  /** There may be changes beside it that are not in force. */
  besideText?: boolean;
}

const example = { path: "notes/todo.md" };

/** Asks the policies in force about one action. */
export function CheckPanel({ tool: first = "file.read", args: begin = example, besideText }: Props) {
  const tools = useQuery(toolsQuery).data ?? [];
  const { agents } = useDirectory();
  const [tool, setTool] = useState(first);
  const [agent, setAgent] = useState("");
  const [text, setText] = useState(() => pretty(begin));
  const check = useCheck();
  const parsed = parseObject(text);
  const args = parsed.ok ? parsed.value : undefined;
  const asking = agents.find((it) => it.id === agent);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!args) return;
    check.mutate({
      tool,
      arguments: args as Record<string, never>,
      ...(asking ? { agent_id: asking.id, agent_name: asking.name } : {}),
    });
  };
  return (
    <div className="flex flex-col gap-4 p-4 md:px-6">
      <p className="text-sm text-muted">
        {s.detail} {besideText && s.notYours}
      </p>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <div className="grid grid-cols-2 gap-3">
          <Field label={s.tool}>
            {(control) => (
              <select
                {...control}
                value={tool}
                onChange={(event) => setTool(event.target.value)}
                className={cx(controlClass, "h-9")}
              >
                {!tools.includes(tool) && <option value={tool}>{tool}</option>}
                {tools.map((it) => (
                  <option key={it} value={it}>
                    {it}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label={s.who}>
            {(control) => (
              <select
                {...control}
                value={agent}
                onChange={(event) => setAgent(event.target.value)}
                className={cx(controlClass, "h-9")}
              >
                <option value="">{s.me}</option>
                {agents.map((it) => (
                  <option key={it.id} value={it.id}>
                    {it.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <Field label={s.arguments} flaw={args ? undefined : s.argumentsBad}>
          {(control) => (
            <textarea
              {...control}
              rows={4}
              spellCheck={false}
              value={text}
              onChange={(event) => setText(event.target.value)}
              className={cx(controlClass, "py-2 font-mono text-xs")}
            />
          )}
        </Field>
        <Button type="submit" look="primary" className="self-start" busy={check.isPending} disabled={!args}>
          {s.go}
        </Button>
      </form>
      <div aria-live="polite" className="flex flex-col gap-2">
        {check.isError && <ErrorNotice error={check.error} />}
        {check.data && (
          <>
            <p className="flex flex-wrap items-center gap-2 text-sm">
              <VerdictBadge verdict={check.data.decision} /> <Said text={check.data.reason} />
            </p>
            <p className="text-xs text-muted">
              {check.data.determining.length > 0 ? (
                <>
                  {s.by} <code className="font-mono text-text">{check.data.determining.join(", ")}</code>
                </>
              ) : (
                t.runs.step.noRule
              )}{" "}
              · {t.runs.step.risk(check.data.risk)}
            </p>
            {check.data.suggested_fix && <Code text={check.data.suggested_fix} label={t.runs.step.fix} />}
          </>
        )}
      </div>
    </div>
  );
}

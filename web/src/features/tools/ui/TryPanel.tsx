import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { LoaderCircle, Play, Waypoints } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useMay } from "@/app/useAuth";
import { type Run, runQuery, stepsQuery } from "@/features/runs/api/runs";
import { isOpen } from "@/features/runs/model/run";
import { outcomeOf } from "@/features/runs/model/step";
import { StateBadge } from "@/features/runs/ui/StateBadge";
import { StepCard } from "@/features/runs/ui/StepCard";
import { pretty } from "@/lib/format";
import { parseObject } from "@/lib/json";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Fetched } from "@/ui/Fetched";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Said } from "@/ui/Said";
import { Section } from "@/ui/Section";
import { TextArea } from "@/ui/TextArea";
import { type Tool, useInvoke } from "../api/tools";
import { exampleOf, fieldsOf, filled, type Typed, typedOf } from "../model/schema";
import { ArgumentFields } from "./ArgumentFields";

const s = t.tools.try;

/** Calls the tool, for real, and says so. */
export function TryPanel({ tool }: { tool: Tool }) {
  const { run } = useSearch({ from: "/signed-in/shell/tools/$name" });
  const navigate = useNavigate();
  const invoke = useInvoke();
  const may = useMay("member");
  const [typed, setTyped] = useState<Typed>({});
  const [text, setText] = useState(() => pretty(exampleOf(tool.schema)));
  const fields = fieldsOf(tool.schema);
  const [isJson, setJson] = useState(fields === undefined);
  const [workspace, setWorkspace] = useState("default");
  const [isTried, setTried] = useState(false);
  const [isAsking, setAsking] = useState(false);

  const fromFields = filled(fields ?? [], typed);
  const parsed = parseObject(text);
  const args = isJson ? (parsed.ok ? parsed.value : undefined) : fromFields.value;
  const isSound = isJson ? parsed.ok : Object.keys(fromFields.flaws).length === 0;
  const toJson = () => {
    setText(pretty(fromFields.value));
    setJson(true);
  };
  const toFields = () => {
    if (parsed.ok) setTyped(typedOf(parsed.value));
    setJson(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isSound && may) setAsking(true);
  };
  const call = () =>
    invoke.mutate(
      { name: tool.name, body: { arguments: (args ?? {}) as Record<string, never>, workspace } },
      {
        onSuccess: (made) => {
          setAsking(false);
          void navigate({
            to: "/tools/$name",
            params: { name: tool.name },
            search: { tab: "try", run: made.id },
            replace: true,
          });
        },
      },
    );
  if (tool.name === "model.call") return <p className="p-4 text-sm text-muted md:p-6">{s.model}</p>;
  return (
    <div className="flex max-w-3xl flex-col gap-6 p-4 md:p-6">
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <Notice>{s.detail}</Notice>
        {isJson || !fields ? (
          <TextArea
            code
            label={s.arguments}
            rows={8}
            value={text}
            flaw={parsed.ok ? undefined : (parsed.message ?? s.notJson)}
            onChange={(event) => setText(event.target.value)}
          />
        ) : (
          <ArgumentFields
            fields={fields}
            typed={typed}
            flaws={isTried ? fromFields.flaws : {}}
            onChange={setTyped}
          />
        )}
        {fields && fields.length > 0 && (
          <Button look="ghost" size="sm" className="self-start" onClick={isJson ? toFields : toJson}>
            {isJson ? s.asFields : s.asJson}
          </Button>
        )}
        {tool.needs.includes("node") && (
          <TextField
            label={s.workspace}
            hint={s.workspaceHint}
            autoComplete="off"
            value={workspace}
            onChange={(event) => setWorkspace(event.target.value)}
            className="sm:w-72"
          />
        )}
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" look="primary" icon={<Play />} disabled={!may || (isJson && !isSound)}>
            {s.call}
          </Button>
          {!may && <span className="text-sm text-muted">{s.member}</span>}
        </div>
      </form>
      {isAsking && (
        <ConfirmDialog
          title={s.confirmTitle(tool.name)}
          detail={s.confirmDetail}
          confirm={s.call}
          busy={invoke.isPending}
          error={invoke.error}
          onConfirm={call}
          onClose={() => {
            invoke.reset();
            setAsking(false);
          }}
        >
          <div className="py-2">
            <Code text={pretty(args)} label={s.arguments} />
          </div>
        </ConfirmDialog>
      )}
      {run && <Result key={run} runId={run} />}
    </div>
  );
}

/** What came of a call, or what it waits for. */
function Result({ runId }: { runId: string }) {
  const run = useQuery(runQuery(runId));
  return (
    <Section as="h2" title={s.result}>
      <Fetched query={run} rows={1}>
        {(it) => (
          <div className="flex flex-col gap-3">
            <div className="flex flex-wrap items-center gap-3">
              <StateBadge run={it} />
              <Link to="/runs/$runId" params={{ runId: it.id }} className={buttonClass({ size: "sm" })}>
                <Waypoints aria-hidden /> {s.openRun}
              </Link>
            </div>
            {isOpen(it) ? <Waiting run={it} /> : <Outcome run={it} />}
          </div>
        )}
      </Fetched>
    </Section>
  );
}

function Waiting({ run }: { run: Run }) {
  const steps = useQuery(stepsQuery(run.id)).data ?? [];
  if (run.waiting_for !== "approval") {
    return (
      <p role="status" className="flex items-center gap-2 text-sm text-muted">
        <LoaderCircle aria-hidden className="size-4 animate-spin" /> {s.working}
      </p>
    );
  }
  return (
    <>
      <p role="status" className="text-sm text-muted">
        {s.waits}{" "}
        <Link to="/inbox" className="font-medium text-accent-text underline-offset-2 hover:underline">
          {s.toInbox}
        </Link>
      </p>
      {steps.map((it) => (
        <StepCard key={it.step} step={it} />
      ))}
    </>
  );
}

function Outcome({ run }: { run: Run }) {
  const outcome = outcomeOf(run.result);
  const steps = useQuery(stepsQuery(run.id)).data ?? [];
  return (
    <>
      {outcome?.ok && <Code text={pretty(outcome.output)} label={s.result} />}
      {outcome && !outcome.ok && (
        <Notice tone="bad" title={outcome.code}>
          <Said text={outcome.message} />
        </Notice>
      )}
      {steps.map((it) => (
        <StepCard key={it.step} step={it} />
      ))}
    </>
  );
}

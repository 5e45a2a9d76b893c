import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useIdentity, useMay } from "@/app/useAuth";
import { titleFrom } from "@/features/chats/model/title";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { type Agent, useTry } from "../api/agents";
import { addTry, type Try, triesOf } from "../model/tries";
import { BenchRun } from "./BenchRun";

const s = t.agents.bench;

/** Asks the agent something right here, and shows what it does as it does it. */
export function Bench({ agent }: { agent: Agent }) {
  const { run } = useSearch({ from: "/signed-in/shell/agents/$agentId" });
  const navigate = useNavigate();
  const who = useIdentity();
  const [tries, setTries] = useState(() => triesOf(who, agent.id));
  const show = (id: string) =>
    void navigate({
      to: "/agents/$agentId",
      params: { agentId: agent.id },
      search: { tab: "try", run: id },
      replace: true,
    });
  return (
    <div className="grid gap-x-10 gap-y-8 p-4 md:p-6 lg:grid-cols-[minmax(0,1fr)_18rem]">
      <div className="flex min-w-0 flex-col gap-6">
        <Ask
          agent={agent}
          last={tries[0]?.question ?? ""}
          onAsked={(one) => {
            setTries(addTry(who, agent.id, one));
            show(one.run);
          }}
        />
        {run && <BenchRun key={run} runId={run} tries={tries} />}
      </div>
      <Section as="h2" title={s.tries}>
        {tries.length === 0 && <p className="text-sm text-muted">{s.none}</p>}
        <ol aria-label={s.tries} className="flex flex-col">
          {tries.map((it) => (
            <li key={it.run} className="border-b">
              <Link
                to="/agents/$agentId"
                params={{ agentId: agent.id }}
                search={{ tab: "try", run: it.run }}
                replace
                aria-current={it.run === run ? "true" : undefined}
                className={cx(
                  "-mx-1.5 flex flex-col rounded-md px-1.5 py-2 text-sm",
                  it.run === run ? "bg-accent-soft" : "hover:bg-hover/60",
                )}
              >
                <span className="truncate">{it.question}</span>
                <span className="text-xs text-muted">{t.agents.page.version(it.version)}</span>
              </Link>
            </li>
          ))}
        </ol>
      </Section>
    </div>
  );
}

function Ask({ agent, last, onAsked }: { agent: Agent; last: string; onAsked(one: Try): void }) {
  const [question, setQuestion] = useState(last);
  const ask = useTry();
  const isMember = useMay("member");
  const may = isMember && agent.state === "active";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const content = question.trim();
    if (content === "" || !may) return;
    ask.mutate(
      { agentId: agent.id, title: s.chatTitle(titleFrom(content)), content },
      {
        onSuccess: (run) => run && onAsked({ run: run.id, version: agent.version, question: content }),
      },
    );
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p className="text-sm text-muted">{s.detail}</p>
      <Field label={s.question}>
        {(control) => (
          <textarea
            {...control}
            rows={3}
            value={question}
            placeholder={agent.planner === "rules" ? s.placeholderRules : s.placeholder}
            onChange={(event) => setQuestion(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
            }}
            className={cx(controlClass, "resize-y py-2")}
          />
        )}
      </Field>
      {ask.isError && <ErrorNotice error={ask.error} />}
      <div className="flex flex-wrap items-center gap-3">
        <Button
          type="submit"
          look="primary"
          icon={<Play />}
          busy={ask.isPending}
          disabled={!may || question.trim() === ""}
        >
          {s.ask}
        </Button>
        {!isMember && <span className="text-sm text-muted">{s.member}</span>}
        {isMember && !may && <span className="text-sm text-muted">{s.paused}</span>}
      </div>
    </form>
  );
}

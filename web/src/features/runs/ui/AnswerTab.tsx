import { MessageSquareDashed } from "lucide-react";
import { pretty } from "@/lib/format";
import { t } from "@/strings";
import { Code } from "@/ui/Code";
import { Empty } from "@/ui/Empty";
import { Section } from "@/ui/Section";
import type { Run } from "../api/runs";
import { isOpen } from "../model/run";
import { outcomeOf } from "../model/step";

const s = t.runs.run;

function outputOf(run: Run): unknown {
  const outcome = outcomeOf(run.result);
  return outcome?.ok ? outcome.output : undefined;
}

/** What a run gave: as text, whatever it looks like. */
export function AnswerTab({ run }: { run: Run }) {
  const answer = run.answer ?? outputOf(run);
  if (answer === undefined || answer === null) {
    return (
      <Empty icon={MessageSquareDashed} title={s.noAnswer}>
        {isOpen(run) ? s.noAnswerYet : s.noAnswerDetail}
      </Empty>
    );
  }
  return (
    <div className="flex flex-col gap-5 p-4 md:p-6">
      <Section as="h2" title={s.tabs.answer}>
        <Code text={pretty(answer)} label={s.tabs.answer} />
      </Section>
      {run.output !== undefined && run.output !== null && (
        <Section as="h2" title={s.structured}>
          <Code text={pretty(run.output)} label={s.structured} />
        </Section>
      )}
    </div>
  );
}

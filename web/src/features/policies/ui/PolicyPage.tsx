import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { CircleCheck, CircleX, RotateCcw } from "lucide-react";
import { useMemo, useState } from "react";
import { useIdentity, useMay } from "@/app/useAuth";
import { diffLines, folded } from "@/lib/diff";
import { useSettled } from "@/lib/useSettled";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Code, Diff } from "@/ui/Code";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import {
  type Candidate,
  compilesQuery,
  type Policy,
  policiesQuery,
  schemaQuery,
  useRemovePolicy,
  withCandidate,
} from "../api/policies";
import { keepDraft, keptDraft } from "../model/draft";
import type { Flaw } from "../model/problems";
import { CheckPanel } from "./CheckPanel";
import { Editor } from "./Editor";
import { PublishDialog } from "./PublishDialog";
import { SimulatePanel } from "./SimulatePanel";
import { VersionsPanel } from "./VersionsPanel";

const s = t.policies.page;

export function PolicyPage() {
  const { name } = useParams({ from: "/signed-in/shell/policies/$name" });
  const policies = useQuery(policiesQuery);
  if (policies.isPending) return <SkeletonRows className="px-4 pt-4 md:px-6" />;
  if (policies.isError) {
    return (
      <div className="p-4 md:p-6">
        <ErrorNotice error={policies.error} onRetry={() => void policies.refetch()} />
      </div>
    );
  }
  return <Loaded key={name} name={name} policies={policies.data} />;
}

type Tab = keyof typeof s.tabs;

/** A text is looked at when its writer pauses. */
const PAUSE_MS = 400;

function Loaded({ name, policies }: { name: string; policies: readonly Policy[] }) {
  const [who] = useState(useIdentity());
  const inForce = policies.find((it) => it.name === name);
  const before = inForce?.cedar ?? "";
  const [text, setText] = useState(() => keptDraft(who, name) ?? inForce?.cedar ?? t.policies.template(name));
  const [tab, setTab] = useState<Tab>("simulate");
  const [beginning, setBeginning] = useState(0);
  const [isPublishing, setPublishing] = useState(false);
  const may = useMay("admin");
  const isChanged = text !== before;
  const write = (next: string) => {
    setText(next);
    keepDraft(who, name, next === before ? undefined : next);
  };
  /** The editor keeps a text of its own, so it begins anew. */
  const replace = (next: string) => {
    write(next);
    setBeginning((old) => old + 1);
  };
  const candidates: Candidate[] = useMemo(
    () => withCandidate(policies, { name, cedar: text, managed: inForce?.managed ?? false }),
    [policies, name, text, inForce],
  );
  const settled = useSettled(candidates, PAUSE_MS);
  const compiles = useQuery({ ...compilesQuery(settled), placeholderData: keepPreviousData });
  const flaws = compiles.data ?? none;
  const own = useMemo(() => flaws.filter((it) => it.policy === name), [flaws, name]);
  const isChecking = settled !== candidates || compiles.isFetching;

  return (
    <>
      <PageTitle title={name} />
      <PageHeader
        above={<BackLink to="/policies">{s.back}</BackLink>}
        title={
          <span className="flex flex-wrap items-center gap-2">
            {name}
            {inForce?.managed && <Badge tone="accent">{t.policies.managed}</Badge>}
            {isChanged && <Badge tone="warn">{inForce ? s.changed : s.notPublished}</Badge>}
          </span>
        }
        detail={
          inForce && (
            <>
              {t.policies.version(inForce.version)} · {s.published}{" "}
              <Time at={inForce.published_at} inSentence />
              {inForce.comment && ` · ${inForce.comment}`}
            </>
          )
        }
        actions={
          may ? (
            <>
              {inForce && <RemoveButton name={name} />}
              {isChanged && inForce && (
                <Button icon={<RotateCcw />} onClick={() => replace(before)}>
                  {s.reset}
                </Button>
              )}
              <Button
                look="primary"
                disabled={!isChanged || isChecking || flaws.length > 0}
                onClick={() => setPublishing(true)}
              >
                {s.publish}
              </Button>
            </>
          ) : (
            <span className="text-sm text-muted">{s.viewer}</span>
          )
        }
      />
      <div className="flex min-h-0 flex-1 flex-col xl:flex-row">
        <div className="flex min-w-0 flex-1 flex-col gap-2 p-4 md:p-6">
          <div className="h-[28rem] xl:h-[calc(100dvh-14rem)]">
            <Editor
              key={beginning}
              label={s.editor}
              initial={text}
              onChange={write}
              flaws={own}
              onSubmit={() => setTab("simulate")}
            />
          </div>
          {compiles.isError ? (
            <ErrorNotice error={compiles.error} onRetry={() => void compiles.refetch()} />
          ) : (
            <Flaws flaws={flaws} name={name} isChecking={isChecking} />
          )}
        </div>
        <div className="flex min-w-0 flex-col border-t xl:w-116 xl:shrink-0 xl:border-t-0 xl:border-l">
          <Tabs<Tab>
            label={s.sides}
            value={tab}
            onChange={setTab}
            tabs={[
              { name: "simulate", label: s.tabs.simulate },
              { name: "changes", label: s.tabs.changes },
              { name: "versions", label: s.tabs.versions },
              { name: "check", label: s.tabs.check },
              { name: "schema", label: s.tabs.schema },
            ]}
          >
            <TabPanel name="simulate">
              <SimulatePanel candidates={candidates} />
            </TabPanel>
            <TabPanel name="changes">
              <Changes before={before} after={text} />
            </TabPanel>
            <TabPanel name="versions">
              <VersionsPanel
                name={name}
                current={inForce?.version}
                text={text}
                onTake={may ? replace : undefined}
              />
            </TabPanel>
            <TabPanel name="check">
              <CheckPanel besideText />
            </TabPanel>
            <TabPanel name="schema">
              <SchemaPanel />
            </TabPanel>
          </Tabs>
        </div>
      </div>
      {isPublishing && (
        <PublishDialog
          name={name}
          managed={inForce?.managed ?? false}
          before={before}
          text={text}
          candidates={candidates}
          onClose={() => setPublishing(false)}
          onPublished={() => keepDraft(who, name, undefined)}
        />
      )}
    </>
  );
}

const none: readonly Flaw[] = [];

function Flaws({ flaws, name, isChecking }: { flaws: readonly Flaw[]; name: string; isChecking: boolean }) {
  return (
    <div role="status" className="flex flex-col gap-1 text-sm">
      {flaws.length === 0 ? (
        <p className="flex items-center gap-2 text-muted">
          {!isChecking && <CircleCheck aria-hidden className="size-4 text-ok" />}
          {isChecking ? s.checking : s.fine}
        </p>
      ) : (
        <p className="flex items-center gap-2 font-medium text-bad">
          <CircleX aria-hidden className="size-4" /> {s.flaws(flaws.length)}
        </p>
      )}
      {flaws.map((it) => (
        <p key={`${it.policy}${it.line}${it.column}${it.message}`} className="pl-6">
          <span className="text-muted">
            {it.policy !== undefined && it.policy !== name && `${s.inOther(it.policy)}, `}
            {s.at(it.line, it.column)}:
          </span>{" "}
          {it.message}
        </p>
      ))}
    </div>
  );
}

export function Changes({ before, after }: { before: string; after: string }) {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const isSame = lines.every((it) => it.kind === "same");
  return (
    <div className="p-4 md:px-6">
      {isSame ? (
        <p className="text-sm text-muted">{t.policies.changes.none}</p>
      ) : (
        <Diff lines={folded(lines)} label={t.policies.changes.label} />
      )}
    </div>
  );
}

function SchemaPanel() {
  const schema = useQuery(schemaQuery);
  return (
    <div className="p-4 md:px-6">
      {schema.isPending && <SkeletonRows rows={4} />}
      {schema.isError && <ErrorNotice error={schema.error} onRetry={() => void schema.refetch()} />}
      {schema.data && <Code text={schema.data.cedarschema} label={s.tabs.schema} />}
    </div>
  );
}

function RemoveButton({ name }: { name: string }) {
  const [isOpen, setOpen] = useState(false);
  const remove = useRemovePolicy();
  const navigate = useNavigate();
  const go = () =>
    remove.mutate(name, {
      onSuccess: () => {
        toast({ title: s.removed(name) });
        void navigate({ to: "/policies" });
      },
    });
  return (
    <>
      <Button look="danger" onClick={() => setOpen(true)}>
        {s.remove}
      </Button>
      <Dialog
        open={isOpen}
        onOpenChange={setOpen}
        title={s.removeTitle(name)}
        description={s.removeDetail}
        footer={
          <>
            <Button onClick={() => setOpen(false)}>{t.common.cancel}</Button>
            <Button look="danger" busy={remove.isPending} onClick={go}>
              {s.remove}
            </Button>
          </>
        }
      >
        {remove.isError && <ErrorNotice error={remove.error} />}
      </Dialog>
    </>
  );
}

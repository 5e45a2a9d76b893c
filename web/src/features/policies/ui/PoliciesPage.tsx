import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, Scale } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { type Policy, policiesQuery } from "../api/policies";
import { isName, rulesIn } from "../model/draft";

const s = t.policies;

export function PoliciesPage() {
  const policies = useQuery(policiesQuery);
  const may = useMay("admin");
  const { add: isAsked = false } = useSearch({ from: "/signed-in/shell/policies" });
  const navigate = useNavigate();
  const [isBegun, setNaming] = useState(false);
  const isNaming = may && (isBegun || isAsked);
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  useKeys(may ? [{ keys: "n", label: s.new, group: "page", run: () => setNaming(true) }] : []);
  const create = may && (
    <Button look="primary" icon={<Plus />} onClick={() => setNaming(true)}>
      {s.new}
    </Button>
  );
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        title={s.title}
        detail={s.detail}
        actions={
          <>
            <Link to="/grants" className={buttonClass()}>
              {t.grants.nav}
            </Link>
            {create}
          </>
        }
      />
      {policies.isPending && <SkeletonRows rows={3} className="px-4 md:px-6" />}
      {policies.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={policies.error} onRetry={() => void policies.refetch()} />
        </div>
      )}
      {policies.data?.length === 0 && (
        <Empty
          icon={Scale}
          title={s.emptyTitle}
          action={
            <>
              {create}
              <Link to="/start" className={buttonClass()}>
                {t.chats.toStart}
              </Link>
            </>
          }
        >
          {s.emptyDetail}
        </Empty>
      )}
      <ul ref={list} aria-label={s.title}>
        {policies.data?.map((it) => (
          <Row key={it.id} policy={it} />
        ))}
      </ul>
      <NameDialog
        open={isNaming}
        onOpenChange={(open) => {
          setNaming(open);
          if (!open && isAsked) void navigate({ to: "/policies", replace: true });
        }}
      />
    </>
  );
}

function Row({ policy }: { policy: Policy }) {
  return (
    <li className="border-b">
      <Link
        to="/policies/$name"
        params={{ name: policy.name }}
        data-row={policy.name}
        className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 outline-offset-[-2px] hover:bg-hover/60 md:px-6"
      >
        <span className="flex min-w-0 flex-1 flex-col">
          <span className="flex items-center gap-2 text-sm font-medium">
            {policy.name}
            {policy.managed && <Badge tone="accent">{s.managed}</Badge>}
          </span>
          <span className="truncate text-xs text-muted">{policy.comment}</span>
        </span>
        <span className="text-xs text-muted">{s.rules(rulesIn(policy.cedar))}</span>
        <span className="text-xs text-muted tabular-nums">{s.version(policy.version)}</span>
        <Time at={policy.published_at} className="w-16 text-right text-xs text-muted" />
      </Link>
    </li>
  );
}

function NameDialog({ open, onOpenChange }: { open: boolean; onOpenChange(open: boolean): void }) {
  const [name, setName] = useState("");
  const navigate = useNavigate();
  const isBad = name !== "" && !isName(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isName(name)) void navigate({ to: "/policies/$name", params: { name } });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={s.new}
      description={s.newDetail}
      footer={
        <Button look="primary" type="submit" form="new-policy" disabled={!isName(name)}>
          {s.begin}
        </Button>
      }
    >
      <form id="new-policy" onSubmit={submit} className="pt-2">
        <TextField
          label={s.name}
          hint={s.nameHint}
          flaw={isBad ? s.nameBad : undefined}
          required
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}

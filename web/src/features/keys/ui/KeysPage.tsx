import { useInfiniteQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay, useSignedIn } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { useDirectory } from "@/features/directory/api/directory";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { span } from "@/lib/time";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { LoadMore } from "@/ui/LoadMore";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type ApiKey, keysQuery, useDeleteKey } from "../api/keys";
import { ending } from "../model/keys";
import { NewKeyDialog } from "./NewKeyDialog";

const s = t.keys;

export function KeysPage() {
  const may = useMay("member");
  const keys = useInfiniteQuery({ ...keysQuery, enabled: may });
  const [isMaking, setMaking] = useState(false);
  const [asked, setAsked] = useState<ApiKey>();
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  useKeys(may ? [{ keys: "n", label: s.newTitle, group: "page", run: () => setMaking(true) }] : []);
  const items = keys.data?.pages.flatMap((page) => page.items) ?? [];
  const make = may && (
    <Button look="primary" icon={<Plus />} onClick={() => setMaking(true)}>
      {s.new}
    </Button>
  );
  return (
    <>
      <SettingsHeader title={s.title} detail={s.detail} actions={make} />
      <div className="flex max-w-4xl flex-col gap-4 p-4 md:p-6">
        {!may && <Notice>{s.viewer}</Notice>}
        {may && keys.isPending && <SkeletonRows rows={3} />}
        {keys.isError && <ErrorNotice error={keys.error} onRetry={() => void keys.refetch()} />}
        {keys.isSuccess && items.length === 0 && (
          <Empty icon={KeyRound} title={s.emptyTitle} action={make}>
            {s.empty}
          </Empty>
        )}
        {items.length > 0 && (
          <ul
            ref={list}
            aria-label={s.listLabel}
            className="overflow-hidden rounded-lg border bg-surface shadow-sm"
          >
            {items.map((it) => (
              <Row key={it.id} apiKey={it} onDelete={() => setAsked(it)} />
            ))}
          </ul>
        )}
        <LoadMore query={keys} />
      </div>
      {isMaking && <NewKeyDialog onClose={() => setMaking(false)} />}
      {asked && <DeleteKey apiKey={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function Row({ apiKey, onDelete }: { apiKey: ApiKey; onDelete(): void }) {
  const { user } = useSignedIn();
  const directory = useDirectory();
  const { name, prefix, role, user_id, created_at, last_used_at } = apiKey;
  return (
    <li
      data-row={apiKey.id}
      tabIndex={-1}
      className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b px-4 py-3 outline-offset-[-2px] last:border-0"
    >
      <span className="min-w-48 flex-1">
        <span className="flex flex-wrap items-center gap-2 text-sm font-medium">
          {name} <Badge>{t.shell.roles[role]}</Badge>
        </span>
        <span className="block text-xs text-muted">
          <code className="font-mono">{prefix}…</code>
          {user_id !== user.id && ` · ${s.of(directory.name(user_id))}`} · {s.made}{" "}
          <Time inSentence at={created_at} />
        </span>
      </span>
      <span className="flex items-center gap-3 text-xs text-muted">
        {last_used_at ? (
          <span>
            {s.used} <Time inSentence at={last_used_at} />
          </span>
        ) : (
          <span>{s.neverUsed}</span>
        )}
        <Ending expires={apiKey.expires_at} />
      </span>
      <Button size="sm" aria-label={s.deleteLabel(name)} onClick={onDelete} className="ml-auto">
        {s.delete}
      </Button>
    </li>
  );
}

function Ending({ expires }: { expires: string | null | undefined }) {
  const now = useMinute();
  const state = ending(expires, now);
  switch (state) {
    case "never":
      return <span>{s.forever}</span>;
    case "over":
      return <Badge tone="bad">{s.expired}</Badge>;
    case "soon":
    case "later": {
      const text = s.until(span(Date.parse(expires ?? "") - now));
      return state === "soon" ? <Badge tone="warn">{text}</Badge> : <span>{text}</span>;
    }
  }
}

function DeleteKey({ apiKey, onClose }: { apiKey: ApiKey; onClose(): void }) {
  const remove = useDeleteKey();
  return (
    <ConfirmDialog
      danger
      title={s.deleteTitle(apiKey.name)}
      detail={s.deleteDetail}
      confirm={s.delete}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        remove.mutate(apiKey.id, {
          onSuccess: () => {
            toast({ title: s.deleted });
            onClose();
          },
        })
      }
      onClose={onClose}
    />
  );
}

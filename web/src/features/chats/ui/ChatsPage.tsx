import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { MessagesSquare } from "lucide-react";
import { useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { PageTitle } from "@/ui/PageTitle";
import { Chat } from "./Chat";
import { ChatList } from "./ChatList";
import { NewChatDialog } from "./NewChatDialog";

/** All chats beside one of them; on a phone one or the other. */
export function ChatsPage() {
  const { sessionId } = useParams({ strict: false });
  const isAsked = useSearch({ strict: false }).add === true;
  const navigate = useNavigate();
  const [isMaking, setMaking] = useState(false);
  const mayWrite = useMay("member");
  useKeys(mayWrite ? [{ keys: "c", label: t.chats.keyNew, group: "page", run: () => setMaking(true) }] : []);
  return (
    <div className="flex h-[calc(100dvh-3.5rem-env(safe-area-inset-bottom))] min-h-0 md:h-dvh">
      <PageTitle title={t.chats.title} />
      <section
        aria-label={t.chats.list}
        className={cx(
          "flex w-full min-w-0 flex-col lg:w-72 lg:shrink-0 lg:border-r xl:w-80",
          sessionId && "max-lg:hidden",
        )}
      >
        <ChatList openId={sessionId} onNew={mayWrite ? () => setMaking(true) : undefined} />
      </section>
      <section className={cx("flex min-w-0 flex-1 flex-col", !sessionId && "max-lg:hidden")}>
        {sessionId && <h1 className="sr-only lg:hidden">{t.chats.title}</h1>}
        {sessionId ? (
          <Chat key={sessionId} id={sessionId} />
        ) : (
          <p className="m-auto flex items-center gap-2 text-sm text-muted">
            <MessagesSquare aria-hidden className="size-4" /> {t.chats.choose}
          </p>
        )}
      </section>
      {mayWrite && (isMaking || isAsked) && (
        <NewChatDialog
          onClose={() => {
            setMaking(false);
            if (isAsked) void navigate({ to: "/chats", replace: true });
          }}
        />
      )}
    </div>
  );
}

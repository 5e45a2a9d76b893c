import { useSignedIn } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { useSecond } from "@/lib/useNow";
import { t } from "@/strings";
import { type Live, typingNow } from "../model/live";

export function TypingLine({ live }: { live: Live }) {
  const { user } = useSignedIn();
  const directory = useDirectory();
  const names = typingNow(live, useSecond())
    .filter((it) => it !== user.id)
    .map(directory.name);
  return (
    <p role="status" className="h-4.5 truncate text-xs text-muted">
      {names.length > 0 && t.chats.typing(names.join(", "))}
    </p>
  );
}

import { CloudOff, LoaderCircle, Unplug } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "@/strings";
import { useConnection } from "../connection";

/** Short interruptions are nobody's business; only what lasts is said. */
const PATIENCE_MS = 700;

const signs = {
  offline: <CloudOff aria-hidden className="size-3.5" />,
  reconnecting: <LoaderCircle aria-hidden className="size-3.5 animate-spin" />,
  refused: <Unplug aria-hidden className="size-3.5" />,
};

export function ConnectionBar() {
  const connection = useConnection();
  const [shown, setShown] = useState<typeof connection>("live");
  useEffect(() => {
    const timer = setTimeout(() => setShown(connection), connection === "reconnecting" ? PATIENCE_MS : 0);
    return () => clearTimeout(timer);
  }, [connection]);
  return (
    <div role="status" aria-live="polite" className="sticky top-0 z-30">
      {shown !== "live" && (
        <div className="flex items-center justify-center gap-2 border-b bg-warn-soft px-4 py-1.5 text-xs font-medium text-warn">
          {signs[shown]}
          {t.shell.connection[shown]}
          {shown === "refused" && (
            <button
              type="button"
              className="rounded-sm underline underline-offset-2"
              onClick={() => location.reload()}
            >
              {t.errors.reload}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

import { CircleAlert, CircleCheck, Info, TriangleAlert, X } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button, IconButton } from "./Button";
import { Said } from "./Said";
import { currentToasts, dismissToast, subscribeToasts, type Toast } from "./toast";

const icons = { ok: CircleCheck, info: Info, warn: TriangleAlert, bad: CircleAlert };
const inks = { ok: "text-ok", info: "text-accent-text", warn: "text-warn", bad: "text-bad" };

/** Where toasts appear. What went wrong stays until it is closed; the rest goes by itself. */
export function Toaster() {
  const toasts = useSyncExternalStore(subscribeToasts, currentToasts);
  return (
    <section
      aria-label={t.common.messages}
      className="pointer-events-none fixed inset-x-3 bottom-[calc(4.5rem+env(safe-area-inset-bottom))] z-60 flex flex-col items-center gap-2 md:inset-x-auto md:right-5 md:bottom-5 md:items-end"
    >
      {toasts.map((toast) => (
        <ToastCard key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

const SHOWN_MS = 6000;

function ToastCard({ toast }: { toast: Toast }) {
  const { id, tone, title, detail, action } = toast;
  useEffect(() => {
    if (tone === "bad") return;
    const timer = setTimeout(() => dismissToast(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [id, tone]);
  const Icon = icons[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className="pointer-events-auto flex w-full max-w-sm animate-in items-start gap-2.5 rounded-lg border bg-surface p-3 text-sm shadow-lg"
    >
      <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", inks[tone])} />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        {detail && (
          <p className="text-muted">
            <Said text={detail} />
          </p>
        )}
        {action && (
          <Button
            size="sm"
            className="mt-2"
            onClick={() => {
              action.run();
              dismissToast(id);
            }}
          >
            {action.label}
          </Button>
        )}
      </div>
      <IconButton
        label={t.common.close}
        size="sm"
        icon={<X />}
        className="-my-1 -mr-1"
        onClick={() => dismissToast(id)}
      />
    </div>
  );
}

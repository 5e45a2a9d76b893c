import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

const tones = {
  info: { box: "bg-accent-soft", ink: "text-accent-text", Icon: Info },
  ok: { box: "bg-ok-soft", ink: "text-ok", Icon: CircleCheck },
  warn: { box: "bg-warn-soft", ink: "text-warn", Icon: TriangleAlert },
  bad: { box: "bg-bad-soft", ink: "text-bad", Icon: CircleAlert },
} as const;

export type Tone = keyof typeof tones;

/** A short message inside a page. What is bad is read out at once. */
export function Notice({
  tone = "info",
  title,
  children,
}: {
  tone?: Tone;
  title?: ReactNode;
  children?: ReactNode;
}) {
  const { box, ink, Icon } = tones[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={cx("flex gap-2.5 rounded-lg px-3 py-2.5 text-sm", box)}
    >
      <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", ink)} />
      <div className="min-w-0 flex-1">
        {title && <p className="font-medium">{title}</p>}
        {children && <div className="text-text/90">{children}</div>}
      </div>
    </div>
  );
}

import { useState } from "react";
import { t } from "@/strings";
import { Button } from "./Button";

/** A secret that the server says this once: in full, chosen by one click, with a way to copy it. */
export function ShownOnce({ label, text }: { label: string; text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <div className="flex flex-col gap-2 rounded-lg border border-line-strong/50 bg-sunken p-3">
      <p className="text-xs font-medium text-muted">{label}</p>
      <code className="font-mono text-sm break-all select-all">{text}</code>
      {/* Where a page came by plain HTTP from another machine, browsers have no clipboard for it. */}
      {navigator.clipboard && (
        <Button className="self-start" onClick={() => void copy()}>
          {isCopied ? t.common.copied : t.common.copy}
        </Button>
      )}
    </div>
  );
}

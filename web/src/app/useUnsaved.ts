/** Changes that are not saved: they are kept in the tab, and whoever leaves them is told so. */
import { useEffect, useRef } from "react";
import { keep } from "@/lib/kept";
import { t } from "@/strings";
import { toast } from "@/ui/toast";

/** `key` is where they are kept. The answer forgets them: they were saved, or undone. */
export function useUnsaved(key: string, isChanged: boolean): () => void {
  const state = useRef({ isChanged, isOver: false });
  useEffect(() => {
    state.current.isChanged = isChanged;
  }, [isChanged]);
  useEffect(() => {
    const address = location.pathname;
    const now = state.current;
    return () => {
      if (!now.isChanged || now.isOver || location.pathname === address) return;
      toast({
        tone: "warn",
        title: t.common.unsaved,
        detail: t.common.unsavedKept,
        action: { label: t.common.unsavedBack, run: () => history.back() },
      });
    };
  }, []);
  return () => {
    state.current.isOver = true;
    keep(key, undefined);
  };
}

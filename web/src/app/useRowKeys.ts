/** `j` and `k` through the rows of a list: they move the focus, so Enter and the ring come by themselves. */
import type { RefObject } from "react";
import { t } from "@/strings";
import { useKeys } from "./keys";

/** Rows are what has `data-row` inside the container. */
export function useRowKeys(container: RefObject<HTMLElement | null>, isOn = true) {
  const move = (by: 1 | -1) => {
    const rows = [...(container.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const marked = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
    const from = at < 0 ? marked : at;
    const next = rows[from < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, from + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  useKeys(
    isOn
      ? [
          { keys: "j", label: t.common.nextRow, group: "page", run: () => move(1) },
          { keys: "k", label: t.common.previousRow, group: "page", run: () => move(-1) },
          { keys: "arrowdown", label: t.common.nextRow, group: "page", run: () => move(1), hidden: true },
          { keys: "arrowup", label: t.common.previousRow, group: "page", run: () => move(-1), hidden: true },
        ]
      : [],
  );
}

import { useEffect } from "react";
import { t } from "@/strings";

/** The title of the tab. */
export function PageTitle({ title }: { title: string }) {
  useEffect(() => {
    document.title = `${title} · ${t.common.product}`;
    return () => {
      document.title = t.common.product;
    };
  }, [title]);
  return null;
}

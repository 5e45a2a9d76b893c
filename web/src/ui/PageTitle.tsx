import { useEffect } from "react";
import { setPageTitle } from "@/lib/title";

/** The title of the tab. */
export function PageTitle({ title }: { title: string }) {
  useEffect(() => {
    setPageTitle(title);
    return () => setPageTitle(undefined);
  }, [title]);
  return null;
}

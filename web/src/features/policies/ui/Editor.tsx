import { type ComponentProps, lazy, Suspense } from "react";
import { Skeleton } from "@/ui/Skeleton";

const CedarEditor = lazy(() => import("./CedarEditor"));

/** The editor, whose code is fetched when it is first shown. */
export function Editor(props: ComponentProps<typeof CedarEditor>) {
  return (
    <Suspense fallback={<Skeleton className="h-full min-h-40 w-full" />}>
      <CedarEditor {...props} />
    </Suspense>
  );
}

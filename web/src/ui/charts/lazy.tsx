/** The charts, whose library is fetched when the first of them is shown. */
import { type ComponentProps, lazy, Suspense } from "react";
import { Skeleton } from "../Skeleton";

const Bars = lazy(() => import("./StackedBars"));
const LinesNow = lazy(() => import("./Lines"));

export function StackedBars(props: ComponentProps<typeof Bars>) {
  return (
    <Suspense fallback={<Waiting height={props.height ?? 260} />}>
      <Bars {...props} />
    </Suspense>
  );
}

export function Lines(props: ComponentProps<typeof LinesNow>) {
  return (
    <Suspense fallback={<Waiting height={props.height ?? 240} />}>
      <LinesNow {...props} />
    </Suspense>
  );
}

function Waiting({ height }: { height: number }) {
  return (
    <div style={{ height }}>
      <Skeleton className="size-full" />
    </div>
  );
}

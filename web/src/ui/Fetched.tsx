import type { ReactNode } from "react";
import { ErrorNotice } from "./ErrorNotice";
import { SkeletonRows } from "./Skeleton";

interface Props<T> {
  query: { data: T | undefined; isError: boolean; error: unknown; refetch(): unknown };
  children(data: T): ReactNode;
  rows?: number;
}

/** What a query gave; until then the shape of it, or what went wrong and a way to try again. */
export function Fetched<T>({ query, children, rows = 4 }: Props<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) {
    return (
      <div className="p-4 md:p-6">
        <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
      </div>
    );
  }
  return <SkeletonRows rows={rows} className="px-4 md:px-6" />;
}

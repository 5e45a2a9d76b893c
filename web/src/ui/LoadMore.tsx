import { t } from "@/strings";
import { Button } from "./Button";
import { ErrorNotice } from "./ErrorNotice";

interface Props {
  query: {
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    isFetchNextPageError: boolean;
    error: unknown;
    fetchNextPage(): unknown;
  };
  label?: string;
}

/** Below a list that goes on: fetches the rest of it, piece by piece, and says if that did not work. */
export function LoadMore({ query, label = t.common.loadMore }: Props) {
  if (!query.hasNextPage) return null;
  const more = () => void query.fetchNextPage();
  return (
    <div className="flex flex-col items-center gap-3 p-4">
      {query.isFetchNextPageError ? (
        <ErrorNotice error={query.error} onRetry={more} />
      ) : (
        <Button size="sm" busy={query.isFetchingNextPage} onClick={more}>
          {label}
        </Button>
      )}
    </div>
  );
}

import { ApiError, SignInChanged, Unreachable } from "@/api/problem";
import { sentence } from "@/lib/format";
import { t } from "@/strings";
import { Button } from "./Button";
import { Notice } from "./Notice";
import { Said } from "./Said";

/** What an error means to the person who sees it, and what to do about it. */
export function explain(error: unknown): { title: string; detail: string; fix?: string; trace?: string } {
  if (error instanceof Unreachable) return { title: t.errors.unreachable, detail: t.errors.unreachableFix };
  if (error instanceof SignInChanged)
    return { title: t.errors.signInChanged, detail: t.errors.signInChangedFix };
  if (error instanceof ApiError) {
    const { problem } = error;
    // Somebody who opened an old link is told why; the server only knows that it has nothing.
    if (problem.code === "NOT_FOUND" && !problem.suggested_fix) {
      return { title: problem.title, detail: t.errors.notFoundDetail };
    }
    return {
      title: problem.title,
      detail: sentence(problem.detail),
      ...(problem.suggested_fix ? { fix: sentence(problem.suggested_fix) } : {}),
      ...(problem.status >= 500 && problem.trace_id ? { trace: problem.trace_id } : {}),
    };
  }
  return { title: t.errors.unexpected, detail: t.errors.unexpectedFix };
}

export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const { title, detail, fix, trace } = explain(error);
  return (
    <Notice tone="bad" title={title}>
      <p>
        <Said text={detail} />
      </p>
      {fix && (
        <p>
          <Said text={fix} />
        </p>
      )}
      {trace && (
        <p className="mt-1 text-xs text-muted">
          {t.errors.trace} <code className="font-mono">{trace}</code>
        </p>
      )}
      {onRetry && (
        <Button size="sm" className="mt-2" onClick={onRetry}>
          {t.common.tryAgain}
        </Button>
      )}
    </Notice>
  );
}

/** What stands in for a page that is not there, not there yet, or broken. */
import { type ErrorComponentProps, Link, useRouter } from "@tanstack/react-router";
import { MapPinOff } from "lucide-react";
import { createContext, useContext } from "react";
import { t } from "@/strings";
import { buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Skeleton, SkeletonRows } from "@/ui/Skeleton";

export function PagePending() {
  return (
    <div className="mx-auto w-full max-w-3xl p-6">
      <Skeleton className="mb-6 h-6 w-48" />
      <SkeletonRows />
    </div>
  );
}

/** Whether a page stands in the frame, which has the page's landmark. */
export const InFrame = createContext(false);

export function PageError({ error }: ErrorComponentProps) {
  const Landmark = useContext(InFrame) ? "div" : "main";
  const router = useRouter();
  // What the address needs is asked for again too, not only drawn again.
  const again = () => (isGone(error) ? location.reload() : void router.invalidate());
  return (
    <Landmark className="mx-auto block w-full max-w-lg p-6 pt-16">
      <h1 className="mb-4 text-xl font-semibold">{t.errors.pageFailed}</h1>
      <ErrorNotice error={error} onRetry={again} />
    </Landmark>
  );
}

/** A piece of the app that belonged to an older version of the server. */
const isGone = (error: unknown) =>
  error instanceof Error && /dynamically imported module|module script/i.test(error.message);

/** Beside the sidebar, which is around what there is. */
export function NotFound() {
  return (
    <div className="pt-16">
      <Empty
        isPage
        icon={MapPinOff}
        title={t.errors.notFoundTitle}
        action={
          <Link to="/" className={buttonClass({ look: "primary" })}>
            {t.errors.home}
          </Link>
        }
      >
        {t.errors.notFoundDetail}
      </Empty>
    </div>
  );
}

export const NotFoundPage = () => (
  <main>
    <NotFound />
  </main>
);

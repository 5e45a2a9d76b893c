import { Outlet } from "@tanstack/react-router";
import { UsersRound } from "lucide-react";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { useAuth } from "./useAuth";

/** Every page, unless another tab has signed in as somebody else: then this one shows and does nothing more. */
export function Root() {
  return useAuth().status === "other" ? <SignedInElsewhere /> : <Outlet />;
}

function SignedInElsewhere() {
  return (
    <main className="pt-16">
      <Empty
        isPage
        icon={UsersRound}
        title={t.errors.otherTitle}
        action={
          <Button look="primary" autoFocus onClick={() => location.assign("/")}>
            {t.errors.reload}
          </Button>
        }
      >
        {t.errors.otherDetail}
      </Empty>
    </main>
  );
}

import { Building2 } from "lucide-react";
import { useState } from "react";
import { signOut } from "@/features/auth/api/auth";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { NewOrgDialog } from "./NewOrgDialog";

/** For somebody who has left or lost every organisation. */
export function NoOrg() {
  const [isMaking, setMaking] = useState(false);
  return (
    <main className="pt-16">
      <Empty
        isPage
        icon={Building2}
        title={t.shell.noOrgTitle}
        action={
          <>
            <Button look="primary" onClick={() => setMaking(true)}>
              {t.shell.newOrg}
            </Button>
            <Button onClick={() => void signOut()}>{t.shell.signOut}</Button>
          </>
        }
      >
        {t.shell.noOrgDetail}
      </Empty>
      <NewOrgDialog open={isMaking} onOpenChange={setMaking} />
    </main>
  );
}

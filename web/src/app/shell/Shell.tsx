/** The frame of every page for who is signed in: sidebar or phone's bar, palette, keys, live connection. */
import { Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { NotificationsHost } from "@/features/notifications/ui/Host";
import { t } from "@/strings";
import { useKeys } from "../keys";
import { nav } from "../nav";
import { InFrame, PagePending } from "../pages";
import { useAuth, useIdentity } from "../useAuth";
import { useOrgEvents } from "../useOrgEvents";
import { ConnectionBar } from "./ConnectionBar";
import { KeysHelp } from "./KeysHelp";
import { NoOrg } from "./NoOrg";
import { Palette } from "./Palette";
import { PhoneBar } from "./PhoneBar";
import { Sidebar } from "./Sidebar";

export function Shell() {
  const identity = useIdentity();
  const auth = useAuth();
  const isAtHome = useIsAtHome(identity);
  if (auth.status !== "in") return null;
  if (!auth.org) return <NoOrg />;
  // The key makes everything begin anew for somebody else, and in another organisation.
  return <Frame key={identity} orgId={auth.org.id} isAtHome={isAtHome} />;
}

function Frame({ orgId, isAtHome }: { orgId: string; isAtHome: boolean }) {
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [areKeysShown, setKeysShown] = useState(false);
  const navigate = useNavigate();

  useOrgEvents(orgId);
  useKeys([
    { keys: "mod+k", label: t.shell.palette, group: "general", run: () => setPaletteOpen((open) => !open) },
    { keys: "?", label: t.shell.showKeys, group: "general", run: () => setKeysShown(true) },
    ...nav.map((entry) => ({
      keys: `g ${entry.key}`,
      label: entry.label,
      group: "go" as const,
      run: () => void navigate({ to: entry.to }),
    })),
  ]);

  return (
    <div className="flex min-h-dvh">
      <a
        href="#content"
        className="sr-only z-60 rounded-md bg-accent px-3 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        {t.shell.skip}
      </a>
      <Sidebar onSearch={() => setPaletteOpen(true)} onKeys={() => setKeysShown(true)} />
      <div className="flex min-h-dvh min-w-0 flex-1 flex-col pb-[calc(3.5rem+env(safe-area-inset-bottom))] md:pb-0">
        <ConnectionBar />
        <main id="content" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
          <InFrame value={true}>{isAtHome ? <Outlet /> : <PagePending />}</InFrame>
        </main>
      </div>
      <NotificationsHost key={`heard ${orgId}`} />
      <PhoneBar onSearch={() => setPaletteOpen(true)} />
      <Palette open={isPaletteOpen} onOpenChange={setPaletteOpen} onKeys={() => setKeysShown(true)} />
      <KeysHelp open={areKeysShown} onOpenChange={setKeysShown} />
    </div>
  );
}

/** What is open belongs to one organisation: whoever goes to another begins at its home. */
function useIsAtHome(identity: string): boolean {
  const router = useRouter();
  const [shown, setShown] = useState(identity);
  useEffect(() => {
    if (shown === identity || identity === "") return;
    void router.navigate({ to: "/" }).then(() => setShown(identity));
  }, [shown, identity, router]);
  return shown === identity;
}

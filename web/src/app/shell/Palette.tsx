import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import {
  GitCompareArrows,
  Keyboard,
  LogOut,
  Moon,
  Plus,
  Search,
  ShieldCheck,
  Sun,
  SunMoon,
} from "lucide-react";
import { Dialog } from "radix-ui";
import { lazy, type ReactNode, Suspense, useDeferredValue, useState } from "react";
import { chooseOrg } from "@/api/auth";
import { signOut } from "@/features/auth/api/auth";
import { groupClass, itemClass } from "@/features/search/ui/paletteClasses";
import { places } from "@/features/settings/model/places";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Kbd } from "@/ui/Kbd";
import { useBindings } from "../keys";
import { nav } from "../nav";
import { setTheme } from "../theme";
import { useMay, useSignedIn } from "../useAuth";

/** Knows all lists there are, so it comes when the palette is first opened. */
const PaletteResults = lazy(() =>
  import("@/features/search/ui/PaletteResults").then((it) => ({ default: it.PaletteResults })),
);

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
  onKeys(): void;
}

/** Everything by name: pages, what can be done on this one, organisations, themes. */
export function Palette({ open, onOpenChange, onKeys }: Props) {
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState("");
  // The field is there in the next frame, what can be chosen a frame later; or at once for whoever types by then.
  const isOpen = useDeferredValue(open);
  const isListed = isOpen || query !== "";
  const close = (next: boolean) => {
    onOpenChange(next);
    if (!next) setQuery("");
  };
  const run = (what: () => void) => () => {
    close(false);
    what();
  };
  return (
    <Dialog.Root open={open} onOpenChange={close}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed top-[8vh] left-1/2 z-50 w-[calc(100vw-1.5rem)] max-w-xl -translate-x-1/2 animate-in rounded-xl border bg-surface shadow-lg"
        >
          <Dialog.Title className="sr-only">{t.shell.palette}</Dialog.Title>
          <Command label={t.shell.palette} loop value={chosen} onValueChange={setChosen}>
            <div className="flex items-center gap-2.5 border-b px-3.5">
              <Search aria-hidden className="size-4 shrink-0 text-muted" />
              <Command.Input
                value={query}
                onValueChange={setQuery}
                placeholder={t.shell.search}
                className="h-12 w-full bg-transparent text-base outline-none"
              />
            </div>
            <Command.List className="max-h-[min(24rem,60dvh)] overflow-y-auto p-1.5">
              {isListed && (
                <>
                  <PagesGroup run={run} />
                  <ActionsGroup run={run} onKeys={onKeys} />
                  <OrgsGroup run={run} />
                  <Suspense>
                    <PaletteResults text={query} run={run} onFound={setChosen} />
                  </Suspense>
                </>
              )}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

type Run = (what: () => void) => () => void;

function Item({
  name,
  icon,
  keys,
  onSelect,
}: {
  name: string;
  icon: ReactNode;
  keys?: string;
  onSelect(): void;
}) {
  return (
    <Command.Item value={name} onSelect={onSelect} className={itemClass}>
      {icon}
      <span className="min-w-0 flex-1 truncate">{name}</span>
      {keys && <Kbd keys={keys} />}
    </Command.Item>
  );
}

function PagesGroup({ run }: { run: Run }) {
  const navigate = useNavigate();
  return (
    <Command.Group heading={t.shell.goTo} className={groupClass}>
      {nav.map(({ to, label, icon: Icon, key }) => (
        <Item
          key={to}
          name={label}
          icon={<Icon />}
          keys={`g ${key}`}
          onSelect={run(() => void navigate({ to }))}
        />
      ))}
      {places.map(({ to, name, icon: Icon }) => (
        <Item
          key={to}
          name={`${t.settings.title}: ${name}`}
          icon={<Icon />}
          onSelect={run(() => void navigate({ to }))}
        />
      ))}
    </Command.Group>
  );
}

/** What can be done from anywhere, by who may. */
const everywhere = [
  { name: t.chats.newChat, to: "/chats", search: { add: true }, role: "member", icon: Plus },
  { name: t.record.verifyPage.title, to: "/record/verify", search: {}, role: "viewer", icon: ShieldCheck },
  { name: t.runs.comparePage.title, to: "/runs/compare", search: {}, role: "viewer", icon: GitCompareArrows },
  { name: t.policies.new, to: "/policies", search: { add: true }, role: "admin", icon: Plus },
  { name: t.agents.new, to: "/agents/new", search: {}, role: "admin", icon: Plus },
  { name: t.skills.new, to: "/skills/new", search: {}, role: "admin", icon: Plus },
  { name: t.tools.new, to: "/tools/http/new", search: {}, role: "admin", icon: Plus },
  { name: t.nodes.new, to: "/nodes", search: { add: true }, role: "admin", icon: Plus },
] as const;

function ActionsGroup({ run, onKeys }: { run: Run; onKeys(): void }) {
  const here = useBindings().filter((it) => it.group === "page" && !it.hidden);
  const { themes } = t.shell;
  const navigate = useNavigate();
  const may = { viewer: true, member: useMay("member"), admin: useMay("admin") };
  return (
    <Command.Group heading={t.shell.actions} className={groupClass}>
      {here.map((it) => (
        <Item key={it.keys} name={it.label} icon={<Keyboard />} keys={it.keys} onSelect={run(it.run)} />
      ))}
      {everywhere
        .filter((it) => may[it.role] && !here.some((action) => action.label === it.name))
        .map(({ name, to, search, icon: Icon }) => (
          <Item key={to} name={name} icon={<Icon />} onSelect={run(() => void navigate({ to, search }))} />
        ))}
      <Item name={t.shell.showKeys} icon={<Keyboard />} keys="?" onSelect={run(onKeys)} />
      <Item
        name={`${t.shell.theme}: ${themes.light}`}
        icon={<Sun />}
        onSelect={run(() => setTheme("light"))}
      />
      <Item
        name={`${t.shell.theme}: ${themes.dark}`}
        icon={<Moon />}
        onSelect={run(() => setTheme("dark"))}
      />
      <Item
        name={`${t.shell.theme}: ${themes.system}`}
        icon={<SunMoon />}
        onSelect={run(() => setTheme("system"))}
      />
      <Item name={t.shell.signOut} icon={<LogOut />} onSelect={run(() => void signOut())} />
    </Command.Group>
  );
}

function OrgsGroup({ run }: { run: Run }) {
  const { orgs, org } = useSignedIn();
  const others = orgs.filter((it) => it.id !== org?.id);
  if (others.length === 0) return null;
  return (
    <Command.Group heading={t.shell.switchOrg} className={groupClass}>
      {others.map((it) => (
        <Command.Item
          key={it.id}
          value={`${it.name} ${it.id}`}
          onSelect={run(() => chooseOrg(it.id))}
          className={itemClass}
        >
          <Avatar name={it.name} size="sm" />
          {it.name}
        </Command.Item>
      ))}
    </Command.Group>
  );
}

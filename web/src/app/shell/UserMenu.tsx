import { BookOpen, Keyboard, LogOut } from "lucide-react";
import { signOut } from "@/features/auth/api/auth";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from "@/ui/Menu";
import { setTheme, type Theme, useTheme } from "../theme";
import { useSignedIn } from "../useAuth";

const themes: readonly Theme[] = ["system", "light", "dark"];

/** Oneself: theme, keys, signing out. */
export function UserMenu({ onKeys, compact }: { onKeys?: () => void; compact?: boolean }) {
  const { user } = useSignedIn();
  const theme = useTheme();
  return (
    <Menu
      align={compact ? "end" : "start"}
      side={compact ? "bottom" : "top"}
      className="w-56"
      trigger={
        <button
          type="button"
          aria-label={`${t.shell.account}: ${user.name}`}
          className="flex h-10 min-w-0 items-center gap-2.5 rounded-md px-1.5 text-left hover:bg-hover"
        >
          <Avatar name={user.name} />
          {!compact && <span className="min-w-0 flex-1 truncate text-sm">{user.name}</span>}
        </button>
      }
    >
      <MenuLabel>{t.shell.signedInAs(user.email)}</MenuLabel>
      <MenuLine />
      <MenuLabel>{t.shell.theme}</MenuLabel>
      {themes.map((it) => (
        <MenuChoice key={it} checked={it === theme} onSelect={() => setTheme(it)}>
          {t.shell.themes[it]}
        </MenuChoice>
      ))}
      <MenuLine />
      {onKeys && (
        <MenuItem onSelect={onKeys}>
          <Keyboard /> {t.shell.keys}
        </MenuItem>
      )}
      <MenuItem asChild>
        <a href="/docs" target="_blank" rel="noopener">
          <BookOpen /> {t.shell.apiReference}
        </a>
      </MenuItem>
      <MenuItem onSelect={() => void signOut()}>
        <LogOut /> {t.shell.signOut}
      </MenuItem>
    </Menu>
  );
}

import { ChevronsUpDown, Plus } from "lucide-react";
import { useState } from "react";
import { chooseOrg } from "@/api/auth";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from "@/ui/Menu";
import { useSignedIn } from "../useAuth";
import { NewOrgDialog } from "./NewOrgDialog";

/** Which organisation one is in, and the way into another. */
export function OrgMenu() {
  const { org, orgs } = useSignedIn();
  const [isMaking, setMaking] = useState(false);
  if (!org) return null;
  return (
    <>
      <Menu
        align="start"
        className="w-56"
        trigger={
          <button
            type="button"
            aria-label={`${t.shell.switchOrg}: ${org.name}`}
            className="flex h-10 w-full min-w-0 items-center gap-2.5 rounded-md px-1.5 text-left hover:bg-hover"
          >
            <Avatar name={org.name} />
            <span className="min-w-0 flex-1 truncate text-sm font-semibold">{org.name}</span>
            <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-faint" />
          </button>
        }
      >
        <MenuLabel>{t.shell.orgs}</MenuLabel>
        {orgs.map((it) => (
          <MenuChoice key={it.id} checked={it.id === org.id} onSelect={() => chooseOrg(it.id)}>
            {it.name} <span className="text-xs text-muted">· {t.shell.roles[it.role]}</span>
          </MenuChoice>
        ))}
        <MenuLine />
        <MenuItem onSelect={() => setMaking(true)}>
          <Plus /> {t.shell.newOrg}
        </MenuItem>
      </Menu>
      <NewOrgDialog open={isMaking} onOpenChange={setMaking} />
    </>
  );
}

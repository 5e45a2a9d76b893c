import { t } from "@/strings";
import { Dialog } from "@/ui/Dialog";
import { Kbd } from "@/ui/Kbd";
import { useBindings } from "../keys";

const groups = ["page", "general", "go"] as const;

export function KeysHelp({ open, onOpenChange }: { open: boolean; onOpenChange(open: boolean): void }) {
  const bindings = useBindings().filter((it) => !it.hidden);
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t.shell.keys} description={t.shell.keysHint}>
      {groups.map((group) => {
        const keys = bindings.filter((it) => it.group === group);
        if (keys.length === 0) return null;
        return (
          <section key={group} className="mt-3">
            <h3 className="mb-1 text-xs font-medium text-muted">{t.shell.keyGroups[group]}</h3>
            <dl>
              {keys.map((it) => (
                <div
                  key={it.keys}
                  className="flex items-center justify-between gap-4 border-b py-1.5 text-sm last:border-0"
                >
                  <dt>{it.label}</dt>
                  <dd>
                    <Kbd keys={it.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        );
      })}
    </Dialog>
  );
}

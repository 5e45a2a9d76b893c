import { t } from "@/strings";
import { Code, Diff } from "@/ui/Code";
import { shownArguments } from "../model/show";

/** What will run, to the last byte: a difference where a file changes, everything else as it is. */
export function Exactly({ tool, args }: { tool: string; args: unknown }) {
  const { diff, writesWhole, rest } = shownArguments(tool, args);
  return (
    <div className="flex flex-col gap-2">
      {rest.length > 0 && (
        <dl className="grid grid-cols-[auto_minmax(0,1fr)] items-start gap-x-4 gap-y-1.5 text-sm">
          {rest.map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="pt-px font-mono text-xs leading-5 text-muted">{name}</dt>
              <dd className="min-w-0">
                {value.includes("\n") || value.length > 120 ? (
                  <Code text={value} label={name} />
                ) : (
                  <code className="font-mono text-xs leading-5 break-words whitespace-pre-wrap">{value}</code>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {diff && (
        <>
          <Diff lines={diff} label={t.approvals.exactly} />
          {writesWhole && <p className="text-xs text-muted">{t.approvals.writesWhole}</p>}
        </>
      )}
    </div>
  );
}

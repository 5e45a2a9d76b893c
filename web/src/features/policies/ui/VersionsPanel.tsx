import { useQuery } from "@tanstack/react-query";
import { FilePen } from "lucide-react";
import { useMemo, useState } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { cx } from "@/lib/cx";
import { diffLines, folded } from "@/lib/diff";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Diff } from "@/ui/Code";
import { Fetched } from "@/ui/Fetched";
import { Select } from "@/ui/Select";
import { Time } from "@/ui/Time";
import { type PolicyVersion, policyVersionsQuery } from "../api/policies";
import { publisherOf } from "../model/draft";

const s = t.policies.versions;

interface Props {
  name: string;
  /** The version in force; none if it was taken out of force. */
  current: number | undefined;
  text: string;
  /** Writes a text into the editor; undefined for who may not publish. */
  onTake: ((text: string) => void) | undefined;
}

/** Every version that was in force once, what each changed, and a way back to it. */
export function VersionsPanel({ name, current, text, onTake }: Props) {
  const versions = useQuery(policyVersionsQuery(name));
  const [chosen, setChosen] = useState<number>();
  return (
    <Fetched query={versions}>
      {(items) => {
        const shown = items.find((it) => it.version === chosen) ?? items[0];
        if (!shown) return <p className="p-4 text-sm text-muted md:px-6">{s.none}</p>;
        return (
          <>
            <ol aria-label={s.list} className="max-h-64 overflow-y-auto border-b">
              {items.map((it) => (
                <Row
                  key={it.version}
                  version={it}
                  isShown={it === shown}
                  isCurrent={it.version === current}
                  onShow={() => setChosen(it.version)}
                />
              ))}
            </ol>
            <Shown key={shown.version} shown={shown} items={items} text={text} onTake={onTake} />
          </>
        );
      }}
    </Fetched>
  );
}

interface RowProps {
  version: PolicyVersion;
  isShown: boolean;
  isCurrent: boolean;
  onShow(): void;
}

function Row({ version, isShown, isCurrent, onShow }: RowProps) {
  const directory = useDirectory();
  const publisher = publisherOf(version.published_by);
  return (
    <li className="border-b last:border-b-0">
      <button
        type="button"
        aria-current={isShown ? "true" : undefined}
        onClick={onShow}
        className={cx(
          "flex w-full flex-col gap-0.5 px-4 py-2.5 text-left outline-offset-[-2px] md:px-6",
          isShown ? "bg-accent-soft" : "hover:bg-hover/60",
        )}
      >
        <span className="flex items-center gap-2 text-sm font-medium">
          <span className="first-letter:uppercase">{t.policies.version(version.version)}</span>
          {isCurrent && <Badge tone="ok">{s.current}</Badge>}
          {version.managed && <Badge tone="accent">{t.policies.managed}</Badge>}
        </span>
        {version.comment && <span className="text-sm break-words">{version.comment}</span>}
        <span className="text-xs text-muted">
          <Time at={version.published_at} /> · {directory.name(publisher)}
        </span>
      </button>
    </li>
  );
}

/** What a version is compared with: the one before it, or what stands in the editor. */
type Against = keyof typeof s.against;

interface ShownProps {
  shown: PolicyVersion;
  items: readonly PolicyVersion[];
  text: string;
  onTake: Props["onTake"];
}

function Shown({ shown, items, text, onTake }: ShownProps) {
  const [against, setAgainst] = useState<Against>("before");
  const before = items.find((it) => it.version < shown.version)?.cedar ?? "";
  const lines = useMemo(
    () => (against === "before" ? diffLines(before, shown.cedar) : diffLines(shown.cedar, text)),
    [against, before, shown.cedar, text],
  );
  const isSame = lines.every((it) => it.kind === "same");
  return (
    <div className="flex flex-col gap-3 p-4 md:px-6">
      <div className="flex flex-wrap items-center gap-2">
        <Select
          label={s.compare}
          value={against}
          onChange={(value) => setAgainst(value === "editor" ? "editor" : "before")}
          options={[
            { value: "before", name: s.against.before },
            { value: "editor", name: s.against.editor },
          ]}
        />
        {onTake && shown.cedar !== text && (
          <Button icon={<FilePen />} onClick={() => onTake(shown.cedar)}>
            {s.take(shown.version)}
          </Button>
        )}
      </div>
      {isSame ? (
        <p className="text-sm text-muted">{s.same}</p>
      ) : (
        <Diff lines={folded(lines)} label={s.changes(shown.version)} />
      )}
    </div>
  );
}

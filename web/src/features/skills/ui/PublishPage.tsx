import { useNavigate } from "@tanstack/react-router";
import { Upload } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useMay } from "@/app/useAuth";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { TextArea } from "@/ui/TextArea";
import { toast } from "@/ui/toast";
import { type Package, usePublishSkill } from "../api/skills";
import { bytesName } from "../model/needs";
import { filesOf, PACKAGE_BYTES, type PickedFile, packed, sizeOf } from "../model/package";

const s = t.skills.publish;
type Way = keyof typeof s.ways;
const WAYS = ["folder", "paste", "tar"] as const;

interface Picked {
  files: PickedFile[];
  leftOut: number;
}

export function PublishPage() {
  const navigate = useNavigate();
  const may = useMay("admin");
  const publish = usePublishSkill();
  const [way, setWay] = useState<Way>("folder");
  const [picked, setPicked] = useState<Picked>({ files: [], leftOut: 0 });
  const [text, setText] = useState(s.template);
  const [tar, setTar] = useState<File>();
  const what = packageOf(way, picked.files, text, tar);
  const flaw = flawOf(way, picked.files, tar);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!what || flaw || !may) return;
    publish.mutate(what, {
      onSuccess: (skill) => {
        toast({ title: s.done(skill.name, skill.version) });
        void navigate({ to: "/skills/$skillId", params: { skillId: skill.id } });
      },
    });
  };
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        above={<BackLink to="/skills">{t.skills.title}</BackLink>}
        title={s.title}
        detail={s.detail}
      />
      <form onSubmit={submit} className="mx-auto flex w-full max-w-3xl flex-col gap-5 p-4 md:p-6">
        {!may && <Notice>{t.skills.readOnly}</Notice>}
        <Ways way={way} onChange={setWay} />
        {way === "folder" && <Folder picked={picked} onPick={setPicked} flaw={flaw} />}
        {way === "paste" && (
          <TextArea
            code
            label={s.text}
            hint={s.textHint}
            rows={16}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
        {way === "tar" && (
          <Field label={s.tar} hint={s.tarHint} flaw={flaw}>
            {(control) => (
              <input
                {...control}
                type="file"
                accept=".tar"
                onChange={(event) => setTar(event.target.files?.[0])}
                className={cx(controlClass, "py-2 text-sm")}
              />
            )}
          </Field>
        )}
        {publish.isError && <ErrorNotice error={publish.error} />}
        <Button
          type="submit"
          look="primary"
          icon={<Upload />}
          className="self-start"
          busy={publish.isPending}
          disabled={!may || !what || flaw !== undefined}
        >
          {s.go}
        </Button>
      </form>
    </>
  );
}

function packageOf(way: Way, files: PickedFile[], text: string, tar: File | undefined): Package | undefined {
  switch (way) {
    case "folder":
      return files.length > 0 ? { files: packed(files) } : undefined;
    case "paste": {
      const bytes = new TextEncoder().encode(text);
      return { files: packed([{ path: "SKILL.md", bytes, executable: false }]) };
    }
    case "tar":
      return tar ? { tar } : undefined;
  }
}

function flawOf(way: Way, files: PickedFile[], tar: File | undefined): string | undefined {
  if (way === "tar") return (tar?.size ?? 0) > PACKAGE_BYTES ? s.tooLarge : undefined;
  if (way === "paste" || files.length === 0) return undefined;
  if (!files.some((it) => it.path === "SKILL.md")) return s.noSkillMd;
  return sizeOf(files) > PACKAGE_BYTES ? s.tooLarge : undefined;
}

function Ways({ way, onChange }: { way: Way; onChange(next: Way): void }) {
  return (
    <fieldset className="flex flex-wrap gap-2">
      <legend className="mb-2 text-sm font-medium">{s.how}</legend>
      {WAYS.map((it) => (
        <label
          key={it}
          className={cx(
            "flex cursor-pointer items-center gap-2 rounded-lg border px-3 py-2 text-sm",
            it === way ? "border-accent-text bg-accent-soft" : "bg-surface hover:bg-hover/60",
          )}
        >
          <input
            type="radio"
            name="way"
            checked={it === way}
            onChange={() => onChange(it)}
            className="size-3.5 accent-accent"
          />
          {s.ways[it]}
        </label>
      ))}
    </fieldset>
  );
}

interface FolderProps {
  picked: Picked;
  onPick(next: Picked): void;
  flaw: string | undefined;
}

function Folder({ picked, onPick, flaw }: FolderProps) {
  const mark = (path: string, executable: boolean) =>
    onPick({
      ...picked,
      files: picked.files.map((it) => (it.path === path ? { ...it, executable } : it)),
    });
  return (
    <>
      <Field label={s.folder} hint={s.folderHint} flaw={flaw}>
        {(control) => (
          <input
            {...control}
            type="file"
            multiple
            // React knows no such attribute, and browsers no other way to choose a folder.
            ref={(input) => input?.setAttribute("webkitdirectory", "")}
            onChange={(event) => void filesOf(event.target.files ?? []).then(onPick)}
            className={cx(controlClass, "py-2 text-sm")}
          />
        )}
      </Field>
      {picked.files.length > 0 && (
        <div className="flex flex-col gap-2">
          <ul aria-label={s.files} className="rounded-md border bg-surface">
            {picked.files.map((it) => (
              <li
                key={it.path}
                className="flex items-center gap-3 border-b px-3 py-2 text-sm last:border-b-0"
              >
                <code className="min-w-0 flex-1 truncate font-mono text-xs">{it.path}</code>
                <span className="text-xs text-muted tabular-nums">{bytesName(it.bytes.length)}</span>
                <label className="flex items-center gap-1.5 text-xs text-muted">
                  <input
                    type="checkbox"
                    checked={it.executable}
                    onChange={(event) => mark(it.path, event.target.checked)}
                    className="size-4 accent-accent"
                  />
                  {s.executable}
                </label>
              </li>
            ))}
          </ul>
          <p className="text-xs text-muted">
            {s.executableHint} {picked.leftOut > 0 && s.leftOut(picked.leftOut)}
          </p>
        </div>
      )}
    </>
  );
}

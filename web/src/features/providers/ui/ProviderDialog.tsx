import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import type { Schema } from "@/api/client";
import { flawOf, isCode } from "@/api/problem";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { OutdatedNotice } from "@/ui/OutdatedNotice";
import { toast } from "@/ui/toast";
import {
  Outdated,
  type Provider,
  type ProviderKind,
  renewSecret,
  secretNamesQuery,
  storeSecret,
  useChangeProvider,
  useCreateProvider,
} from "../api/providers";
import { freeName, isName, KINDS, needsKey, scriptOf, usualAddress } from "../model/test";

const s = t.models.provider;

interface Props {
  /** The one that is changed; otherwise one is made. */
  provider?: Provider;
  onClose(): void;
  onCreated?: (id: string) => void;
}

interface Typed {
  type: ProviderKind;
  name: string;
  base_url: string;
  region: string;
  api_version: string;
  private_network: boolean;
  /** A secret's id, or empty for none, or for the one that is typed. */
  secret: string;
  script: string;
}

const someScript = {
  rules: [{ when: "hello", steps: [{ say: "Hello to you." }] }, { steps: [{ say: "{message}" }] }],
};

const typedOf = (it?: Provider): Typed => ({
  type: it?.type ?? "anthropic",
  name: it?.name ?? "",
  base_url: it?.base_url ?? "",
  region: it?.region ?? "",
  api_version: it?.api_version ?? "",
  private_network: it?.private_network ?? false,
  secret: it?.secret_id ?? "",
  script: JSON.stringify(it?.script ?? someScript, null, 2),
});

type Flaws = Partial<Record<"name" | "base_url" | "key" | "script", string>>;

function flawsIn(typed: Typed, key: string): Flaws {
  const isPlaceNeeded = typed.type === "azure_openai" || typed.type === "openai_compatible";
  return {
    ...(isName(typed.name) ? {} : { name: s.nameBad }),
    ...(isPlaceNeeded && typed.base_url.trim() === "" ? { base_url: s.addressNeeded } : {}),
    ...(needsKey(typed.type) && key.trim() === "" && typed.secret === "" ? { key: s.keyNeeded } : {}),
    ...(typed.type === "scripted" && !scriptOf(typed.script) ? { script: s.scriptBad } : {}),
  };
}

/** The type first, then what it needs. The key goes from its field into the vault and is kept nowhere else. */
export function ProviderDialog({ provider, onClose, onCreated }: Props) {
  const form = useId();
  const secrets = useQuery(secretNamesQuery).data ?? [];
  const [typed, setTyped] = useState(() => typedOf(provider));
  const [key, setKey] = useState("");
  const [seen, setSeen] = useState(provider?.version);
  const [flaws, setFlaws] = useState<Flaws>({});
  const create = useCreateProvider();
  const change = useChangeProvider(provider?.id ?? "");
  // Its variable is a version, and it is forgotten at once: what was typed as the key stands in no cache.
  const save = useMutation({
    gcTime: 0,
    mutationFn: async (seen: number | undefined) => {
      const secret_id = await secretOf();
      const optional = (text: string) => (text.trim() === "" ? null : text.trim());
      const common = {
        name: typed.name,
        ...(typed.type === "scripted"
          ? { script: scriptOf(typed.script) as Schema<"Script"> }
          : {
              base_url: optional(typed.base_url),
              private_network: typed.private_network,
              secret_id,
              ...(typed.type === "bedrock" ? { region: optional(typed.region) } : {}),
              ...(typed.type === "azure_openai" ? { api_version: optional(typed.api_version) } : {}),
            }),
      };
      if (provider) return change.mutateAsync({ seen, change: common });
      return create.mutateAsync({ type: typed.type, private_network: false, ...common });
    },
    onSuccess: (saved) => {
      toast({ title: provider ? s.saved(saved.name) : s.created(saved.name) });
      onClose();
      onCreated?.(saved.id);
    },
  });
  /** Which secret it is shown. A key that was typed becomes one, or a new version of the one that is there. */
  async function secretOf(): Promise<string | null> {
    if (key.trim() === "" || typed.type === "scripted") return typed.secret || null;
    if (typed.secret !== "") {
      await renewSecret(typed.secret, key.trim());
      setKey("");
      return typed.secret;
    }
    const made = await storeSecret(
      freeName(
        typed.name,
        secrets.map((it) => it.name),
      ),
      key.trim(),
    );
    setKey("");
    setTyped((old) => ({ ...old, secret: made.id }));
    return made.id;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = flawsIn(typed, key);
    setFlaws(found);
    if (Object.keys(found).length === 0) save.mutate(seen);
  };
  const outdated = save.error instanceof Outdated ? (save.error as Outdated<Provider>) : undefined;
  const set = (part: Partial<Typed>) => setTyped({ ...typed, ...part });
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={provider ? s.editTitle(provider.name) : s.newTitle}
      description={s.newDetail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" type="submit" form={form} busy={save.isPending}>
            {provider ? t.models.save : s.create}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate autoComplete="off" className="flex flex-col gap-4 pt-2">
        {outdated && (
          <OutdatedNotice
            onTake={() => {
              setTyped(typedOf(outdated.current));
              setSeen(outdated.current.version);
              save.reset();
            }}
            onOverwrite={() => save.mutate(outdated.current.version)}
          />
        )}
        {save.error && !outdated && !isCode(save.error, "INVALID") && <ErrorNotice error={save.error} />}
        <Field label={s.type} hint={provider ? s.typeFixed : undefined}>
          {(control) => (
            <select
              {...control}
              value={typed.type}
              disabled={provider !== undefined}
              onChange={(event) =>
                set({ type: KINDS.find((it) => it === event.target.value) ?? "anthropic" })
              }
              className={cx(controlClass, "h-9")}
            >
              {KINDS.map((it) => (
                <option key={it} value={it}>
                  {t.models.kinds[it]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label={s.name}
          hint={s.nameHint}
          flaw={flaws.name ?? flawOf(save.error, "/name")}
          required
          spellCheck={false}
          value={typed.name}
          onChange={(event) => set({ name: event.target.value })}
        />
        {typed.type === "scripted" ? (
          <Field label={s.script} hint={s.scriptHint} flaw={flaws.script ?? flawOf(save.error, "/script")}>
            {(control) => (
              <textarea
                {...control}
                rows={10}
                spellCheck={false}
                value={typed.script}
                onChange={(event) => set({ script: event.target.value })}
                className={cx(controlClass, "py-2 font-mono text-xs leading-5")}
              />
            )}
          </Field>
        ) : (
          <Place typed={typed} flaws={flaws} error={save.error} onChange={set} />
        )}
        {typed.type !== "scripted" && (
          <Secret
            typed={typed}
            isNew={!provider}
            secrets={secrets}
            value={key}
            flaw={flaws.key ?? flawOf(save.error, "/secret_id") ?? flawOf(save.error, "/value")}
            onKey={setKey}
            onSecret={(secret) => set({ secret })}
          />
        )}
      </form>
    </Dialog>
  );
}

interface PlaceProps {
  typed: Typed;
  flaws: Flaws;
  error: unknown;
  onChange(part: Partial<Typed>): void;
}

function Place({ typed, flaws, error, onChange }: PlaceProps) {
  const usual = usualAddress[typed.type];
  return (
    <>
      <TextField
        label={s.address}
        hint={usual ? s.addressUsual(usual) : s.addressHint}
        flaw={flaws.base_url ?? flawOf(error, "/base_url")}
        inputMode="url"
        spellCheck={false}
        value={typed.base_url}
        onChange={(event) => onChange({ base_url: event.target.value })}
      />
      {typed.type === "bedrock" && (
        <TextField
          label={s.region}
          hint={s.regionHint}
          flaw={flawOf(error, "/region")}
          spellCheck={false}
          value={typed.region}
          onChange={(event) => onChange({ region: event.target.value })}
        />
      )}
      {typed.type === "azure_openai" && (
        <TextField
          label={s.apiVersion}
          hint={s.apiVersionHint}
          flaw={flawOf(error, "/api_version")}
          spellCheck={false}
          value={typed.api_version}
          onChange={(event) => onChange({ api_version: event.target.value })}
        />
      )}
      {typed.base_url.trim() !== "" && (
        <label className="flex items-center gap-2 text-sm">
          <input
            type="checkbox"
            checked={typed.private_network}
            onChange={(event) => onChange({ private_network: event.target.checked })}
            className="size-4 accent-(--accent)"
          />
          {s.inside}
        </label>
      )}
    </>
  );
}

interface SecretProps {
  typed: Typed;
  isNew: boolean;
  secrets: readonly { id: string; name: string }[];
  value: string;
  flaw: string | undefined;
  onKey(value: string): void;
  onSecret(id: string): void;
}

function Secret({ typed, isNew, secrets, value, flaw, onKey, onSecret }: SecretProps) {
  const hint = typed.type === "bedrock" ? s.keyHintBedrock : typed.secret === "" ? s.keyHint : s.newKeyHint;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={s.secret}>
        {(control) => (
          <select
            {...control}
            value={typed.secret}
            onChange={(event) => onSecret(event.target.value)}
            className={cx(controlClass, "h-9")}
          >
            <option value="">{isNew || needsKey(typed.type) ? s.secretNew : s.secretNone}</option>
            {secrets.map((it) => (
              <option key={it.id} value={it.id}>
                {it.name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <TextField
        label={typed.secret === "" ? s.key : s.newKey}
        hint={hint}
        flaw={flaw}
        type="password"
        autoComplete="new-password"
        spellCheck={false}
        value={value}
        onChange={(event) => onKey(event.target.value)}
      />
    </div>
  );
}

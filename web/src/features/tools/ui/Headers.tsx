import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, X } from "lucide-react";
import { useMay } from "@/app/useAuth";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { controlClass } from "@/ui/Field";
import { secretNamesQuery } from "../api/tools";
import type { HeaderForm } from "../model/httpTool";

const s = t.tools.form;
const none: HeaderForm = { name: "", value: "", secret: "" };

interface Props {
  /** None where those that it has are to stay. */
  headers: readonly HeaderForm[] | null;
  isNew: boolean;
  tool: string;
  flaw: string | undefined;
  onChange(next: HeaderForm[] | null): void;
}

/** The headers of a request. A secret stands in them by its name alone. */
export function Headers({ headers, isNew, tool, flaw, onChange }: Props) {
  const may = useMay("admin");
  const secrets = useQuery({ ...secretNamesQuery, enabled: may }).data ?? [];
  const set = (at: number, next: Partial<HeaderForm>) =>
    onChange((headers ?? []).map((it, place) => (place === at ? { ...it, ...next } : it)));
  const control = cx(controlClass, "h-9");
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 text-sm font-medium">{s.headers}</legend>
      <p className="text-xs text-muted">
        {headers === null ? (
          s.headersKept
        ) : (
          <>
            {s.headersHint}{" "}
            <Link
              to="/settings/secrets"
              className="font-medium text-accent-text underline-offset-2 hover:underline"
            >
              {s.toSecrets}
            </Link>
          </>
        )}
      </p>
      {headers?.map((it, at) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: headers are known by their places while they are written
          key={at}
          className="grid grid-cols-[minmax(0,1fr)_2rem] gap-2 sm:grid-cols-[10rem_minmax(0,1fr)_11rem_2rem]"
        >
          <input
            aria-label={s.headerName}
            placeholder={s.headerName}
            aria-invalid={flaw ? true : undefined}
            value={it.name}
            onChange={(event) => set(at, { name: event.target.value })}
            className={control}
          />
          <input
            aria-label={s.headerValue}
            placeholder={s.headerValue}
            value={it.value}
            onChange={(event) => set(at, { value: event.target.value })}
            className={cx(control, "col-start-1 sm:col-start-auto")}
          />
          <select
            aria-label={s.headerSecret}
            value={it.secret}
            onChange={(event) => set(at, { secret: event.target.value })}
            className={cx(control, "col-start-1 sm:col-start-auto")}
          >
            <option value="">{s.noSecret}</option>
            {it.secret !== "" && !secrets.includes(it.secret) && (
              <option value={it.secret}>{it.secret}</option>
            )}
            {secrets.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <IconButton
            label={s.removeHeader(it.name || String(at + 1))}
            icon={<X />}
            className="col-start-2 row-start-1 sm:col-start-auto"
            onClick={() => onChange(headers.filter((_, place) => place !== at))}
          />
        </div>
      ))}
      {headers?.some((it) => it.secret !== "") && (
        <Code text={s.grant(tool || "TOOL")} label={s.headerSecret} />
      )}
      {flaw && <p className="text-xs text-bad">{flaw}</p>}
      <div className="flex flex-wrap gap-2">
        {headers === null ? (
          <Button size="sm" onClick={() => onChange([none])}>
            {s.headersReplace}
          </Button>
        ) : (
          <Button size="sm" icon={<Plus />} onClick={() => onChange([...headers, none])}>
            {s.addHeader}
          </Button>
        )}
        {headers !== null && !isNew && (
          <Button size="sm" look="ghost" onClick={() => onChange(null)}>
            {s.headersKeep}
          </Button>
        )}
      </div>
    </fieldset>
  );
}

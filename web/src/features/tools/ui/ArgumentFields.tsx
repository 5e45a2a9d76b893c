import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { controlClass, Field as FieldBox } from "@/ui/Field";
import type { Field, Typed } from "../model/schema";

const s = t.tools.try;

interface Props {
  fields: readonly Field[];
  typed: Typed;
  flaws: Readonly<Record<string, string>>;
  onChange(next: Typed): void;
}

/** A field for each argument. */
export function ArgumentFields({ fields, typed, flaws, onChange }: Props) {
  return fields.map((field) => (
    <FieldBox
      key={field.name}
      label={
        <>
          <code className="font-mono text-xs">{field.name}</code>{" "}
          {field.isRequired && <span className="text-xs font-normal text-warn">{t.tools.page.required}</span>}
        </>
      }
      hint={field.description}
      flaw={flaws[field.name]}
    >
      {(control) => {
        const value = typed[field.name] ?? "";
        const set = (next: string) => onChange({ ...typed, [field.name]: next });
        const options = field.kind === "boolean" ? ["true", "false"] : field.choices;
        if (field.kind === "choice" || field.kind === "boolean") {
          return (
            <select
              {...control}
              value={value}
              onChange={(event) => set(event.target.value)}
              className={cx(controlClass, "h-9")}
            >
              <option value="">{s.notGiven}</option>
              {options.map((it) => (
                <option key={it} value={it}>
                  {field.kind === "boolean" ? (it === "true" ? s.yes : s.no) : it}
                </option>
              ))}
            </select>
          );
        }
        if (field.kind === "text") {
          return (
            <textarea
              {...control}
              rows={value.includes("\n") ? 5 : 1}
              spellCheck={false}
              value={value}
              onChange={(event) => set(event.target.value)}
              className={cx(controlClass, "min-h-9 resize-y py-1.5")}
            />
          );
        }
        return (
          <input
            {...control}
            inputMode={field.kind === "integer" ? "numeric" : "decimal"}
            value={value}
            onChange={(event) => set(event.target.value)}
            className={cx(controlClass, "h-9 sm:w-48")}
          />
        );
      }}
    </FieldBox>
  ));
}

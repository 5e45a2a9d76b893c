import type { ComponentProps } from "react";
import { cx } from "@/lib/cx";
import { controlClass, Field, type FieldProps } from "./Field";

type Props = Omit<FieldProps, "children"> &
  Omit<ComponentProps<"textarea">, "className" | "children"> & { code?: boolean };

/** A field for several lines; `code` for what machines read. */
export function TextArea({ label, hint, flaw, className, code, ...rest }: Props) {
  return (
    <Field label={label} hint={hint} flaw={flaw} {...(className ? { className } : {})}>
      {(control) => (
        <textarea
          {...rest}
          {...control}
          spellCheck={!code}
          className={cx(controlClass, "resize-y py-2", code && "font-mono text-xs leading-5")}
        />
      )}
    </Field>
  );
}

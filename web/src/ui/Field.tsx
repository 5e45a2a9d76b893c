import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "@/lib/cx";

export const controlClass =
  "w-full rounded-md border border-line-strong/60 bg-surface px-3 text-base text-text max-md:text-[16px] shadow-sm transition-colors hover:border-line-strong focus-visible:outline-offset-0 disabled:opacity-60 aria-invalid:border-bad";

export interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  /** What is wrong with it; replaces the hint. */
  flaw?: string | undefined;
  children(control: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": true | undefined;
  }): ReactNode;
  className?: string;
}

/** A label, a control, and below it what it is for or what is wrong. */
export function Field({ label, hint, flaw, children, className }: FieldProps) {
  const id = useId();
  const below = flaw ?? hint;
  const described = below ? `${id}-below` : undefined;
  return (
    <div className={cx("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": described, "aria-invalid": flaw ? true : undefined })}
      {below && (
        <p id={described} className={cx("text-xs", flaw ? "text-bad" : "text-muted")}>
          {below}
        </p>
      )}
    </div>
  );
}

type TextFieldProps = Omit<FieldProps, "children"> & Omit<ComponentProps<"input">, "className" | "children">;

export function TextField({ label, hint, flaw, className, ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} flaw={flaw} {...(className ? { className } : {})}>
      {(control) => <input {...input} {...control} className={cx(controlClass, "h-9")} />}
    </Field>
  );
}

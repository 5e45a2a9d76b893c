import { type ReactNode, useId } from "react";

interface Props {
  title: string;
  children: ReactNode;
  aside?: ReactNode;
  /** `h2` right below the title of the page. */
  as?: "h2" | "h3";
}

/** A part of a page or panel, with a quiet name above it. */
export function Section({ title, children, aside, as: Heading = "h3" }: Props) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="flex flex-col gap-2">
      <div className="flex items-center gap-2">
        <Heading id={id} className="flex-1 text-xs font-medium text-muted">
          {title}
        </Heading>
        {aside}
      </div>
      {children}
    </section>
  );
}

import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

interface Props<Name extends string> {
  label: string;
  value: Name;
  onChange(next: Name): void;
  tabs: readonly { name: Name; label: ReactNode }[];
  children: ReactNode;
}

/** Several sides of one thing. The panels are `TabPanel`s. */
export function Tabs<Name extends string>({ label, value, onChange, tabs, children }: Props<Name>) {
  return (
    <Radix.Root
      value={value}
      onValueChange={(next) => onChange(next as Name)}
      className="flex min-h-0 flex-1 flex-col"
    >
      <Radix.List aria-label={label} className="flex shrink-0 gap-4 overflow-x-auto border-b px-4 md:px-6">
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.name}
            value={tab.name}
            className="-mb-px flex h-9 items-center gap-1.5 border-b-2 border-transparent text-sm font-medium whitespace-nowrap text-muted outline-offset-[-2px] hover:text-text data-[state=active]:border-accent data-[state=active]:text-text"
          >
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {children}
    </Radix.Root>
  );
}

export function TabPanel({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Radix.Content value={name} className="flex min-h-0 flex-1 flex-col outline-offset-[-2px]">
      {children}
    </Radix.Content>
  );
}

import { Lock } from "lucide-react";
import type { ReactNode } from "react";
import { Empty } from "./Empty";

/** A page that a role may not see, and why. */
export function Locked({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Empty icon={Lock} title={title}>
      {children}
    </Empty>
  );
}

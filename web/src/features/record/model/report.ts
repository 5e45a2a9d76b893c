/** What the server found when it verified the record. Whatever is not as expected is no good news. */
import { fields } from "@/lib/fields";

interface Verification {
  isGood: boolean;
  events: number;
  root: string | undefined;
  /** The first event that is not right, and why. */
  bad: { reason: string; seq: number | undefined } | undefined;
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const number = (value: unknown) => (typeof value === "number" ? value : undefined);

export function verificationOf(report: unknown): Verification {
  const { ok, events, checkpoint, first_bad } = fields(report);
  const isGood = ok === true;
  const bad = fields(first_bad);
  return {
    isGood,
    events: number(events) ?? 0,
    root: text(fields(checkpoint).root),
    bad: isGood ? undefined : { reason: text(bad.reason) ?? "", seq: number(bad.seq) },
  };
}

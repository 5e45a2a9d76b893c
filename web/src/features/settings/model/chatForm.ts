/** What becomes of chats over time, as texts in a form. */
import type { ChatSettings } from "../api/organisation";

export interface RuleForm {
  /** Tells the rows apart while they are edited. */
  key: number;
  label: string;
  days: string;
  action: "archive" | "delete";
}

export interface ChatForm {
  idle: string;
  archive: string;
  rules: RuleForm[];
}

const text = (days: number | null | undefined) => (typeof days === "number" ? String(days) : "");

export const formOf = (settings: ChatSettings): ChatForm => ({
  idle: text(settings.idle_after_days),
  archive: text(settings.archive_after_days),
  rules: settings.retention.map(({ label, after_days, action }, key) => ({
    key,
    label: label ?? "",
    days: text(after_days),
    action,
  })),
});

/** Days, null for never, or undefined for what is no number of days. */
export function daysOf(text: string): number | null | undefined {
  const plain = text.trim();
  if (plain === "") return null;
  return /^[1-9]\d{0,6}$/.test(plain) ? Number(plain) : undefined;
}

/** What to send; undefined as long as something is no number of days. */
export function bodyOf(form: ChatForm) {
  const [idle, archive] = [daysOf(form.idle), daysOf(form.archive)];
  if (idle === undefined || archive === undefined) return undefined;
  const retention = [];
  for (const { label, days, action } of form.rules) {
    const after = daysOf(days);
    if (!after) return undefined;
    const plain = label.trim();
    retention.push({ after_days: after, action, ...(plain === "" ? {} : { label: plain }) });
  }
  return { idle_after_days: idle, archive_after_days: archive, retention };
}

export function isChanged(form: ChatForm, settings: ChatSettings): boolean {
  const plain = ({ idle, archive, rules }: ChatForm) =>
    JSON.stringify([
      idle.trim(),
      archive.trim(),
      rules.map((it) => [it.label.trim(), it.days.trim(), it.action]),
    ]);
  return plain(form) !== plain(formOf(settings));
}

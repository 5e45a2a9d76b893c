/** Amounts of bytes, as people read and type them. Pure. */

const UNITS: Record<string, number> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** `512 B`, `1.5 MiB`, `20 GiB`. */
export function bytes(amount: number): string {
  if (amount < 1024) return `${amount} B`;
  const [unit, size] =
    amount < 1024 ** 2
      ? (["KiB", 1024] as const)
      : amount < 1024 ** 3
        ? (["MiB", 1024 ** 2] as const)
        : (["GiB", 1024 ** 3] as const);
  const shown = amount / size;
  return `${(shown < 10 ? shown.toFixed(1) : shown.toFixed(0)).replace(/\.0$/, "")} ${unit}`;
}

/** `500 MiB`, `1.5 GB`, `1048576`; null for an empty field, undefined for what is none. */
export function parseBytes(text: string): number | null | undefined {
  const bare = text.trim().replaceAll(",", "");
  if (bare === "") return null;
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(bare);
  const size = UNITS[(found?.[2] ?? "b").toLowerCase()];
  if (!found || size === undefined) return undefined;
  const amount = Math.round(Number(found[1]) * size);
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/** An amount in the unit in which it is whole, so that it is read back as it was. */
export function typedBytes(amount: number | null | undefined): string {
  if (amount === null || amount === undefined) return "";
  const unit = (["GiB", "MiB", "KiB"] as const).find(
    (it) => amount > 0 && amount % (UNITS[it.toLowerCase()] ?? 1) === 0,
  );
  return unit ? `${amount / (UNITS[unit.toLowerCase()] ?? 1)} ${unit}` : String(amount);
}

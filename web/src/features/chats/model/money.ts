/** Micro-dollars as people read them: small sums keep the digits that say something. Pure. */
export function usd(micros: number): string {
  const dollars = micros / 1e6;
  if (dollars === 0) return "$0";
  if (dollars < 0.0001) return "<$0.0001";
  return `$${dollars.toFixed(dollars < 0.01 ? 4 : dollars < 1 ? 3 : 2)}`;
}

// Arithmetic on the digits that the API sent. Money, ids and sequences are never converted to JavaScript numbers.
import type { Digits } from "./types";

/** compare orders two whole numbers without a sign. */
export function compare(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** zero reports whether a whole number is 0 or absent. */
export function zero(n: string | null | undefined): boolean {
  return !n || n === "0";
}

/** groups splits a decimal before each group of three digits of its whole part: "-1234.5" is ["-1", "234.5"]. */
export function groups(text: string): string[] {
  const match = /^(-?)(\d+)(.*)$/.exec(text);
  if (!match || match[2]!.length < 4) return [text];
  const [, sign, whole, rest] = match as unknown as [string, string, string, string];
  const first = whole.length % 3 || 3;
  const parts = [sign + whole.slice(0, first)];
  for (let i = first; i < whole.length; i += 3) parts.push(whole.slice(i, i + 3));
  parts[parts.length - 1] += rest;
  return parts;
}

/** share returns part divided by whole, from 0 to 1, for a bar; null if unknown. */
export function share(part: string | null, whole: string | null): number | null {
  const a = scaled(part);
  const b = scaled(whole);
  if (!a || !b || b.units === 0n) return null;
  const places = Math.max(a.places, b.places);
  const up = (d: { units: bigint; places: number }) => d.units * 10n ** BigInt(places - d.places);
  const thousandths = (up(a) * 1000n) / up(b);
  return Number(thousandths > 1000n ? 1000n : thousandths < 0n ? 0n : thousandths) / 1000;
}

/** same reports whether two decimals are equal: "40" and "40.00" are. */
export function same(a: string | null, b: string | null): boolean {
  const x = scaled(a);
  const y = scaled(b);
  if (!x || !y) return a === b;
  const places = Math.max(x.places, y.places);
  return x.units * 10n ** BigInt(places - x.places) === y.units * 10n ** BigInt(places - y.places);
}

function scaled(text: string | null): { units: bigint; places: number } | null {
  const match = text === null ? null : /^(-?\d{1,64})(?:\.(\d{1,64}))?$/.exec(text);
  if (!match) return null;
  return { units: BigInt(match[1]! + (match[2] ?? "")), places: (match[2] ?? "").length };
}

/** approximate converts a measured quantity, such as a rate or a count of records, to a JavaScript number for a chart or a bar. */
export function approximate(n: Digits | null | undefined): number {
  return n ? Number(n) : 0;
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** bytes formats a size with a unit. */
export function bytes(n: Digits | null): string {
  if (n === null) return "–";
  let value = approximate(n);
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

import { signal } from "@preact/signals";
import { zone } from "./settings";

/** now is updated every ten seconds, for relative times. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 10_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = Date.now();
});

const two = (n: number) => String(n).padStart(2, "0");

/** zoneName names the zone of the shown times at a moment. */
export function zoneName(at: Date = new Date()): string {
  if (zone.value === "utc") return "UTC";
  const minutes = -at.getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const abs = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(abs / 60)}${abs % 60 ? ":" + two(abs % 60) : ""}`;
}

/** absolute returns a time with its zone: "2026-03-02 10:31:07.214 UTC+1". The fraction has the digits that were sent. */
export function absolute(text: string | null): string {
  if (text === null) return "";
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  const fraction = /\.\d+/.exec(text)?.[0] ?? "";
  return `${day(at)} ${clock(at)}${fraction.slice(0, 4)} ${zoneName(at)}`;
}

/** clock returns the time of day: "10:31:07". */
export function clock(at: Date): string {
  return zone.value === "utc"
    ? at.toISOString().slice(11, 19)
    : `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** day returns the date: "2026-03-02". */
export function day(at: Date): string {
  return zone.value === "utc" ? at.toISOString().slice(0, 10) : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** relative returns the time since then in short form: "3 min". */
export function relative(text: string | null): string {
  if (text === null) return "";
  const at = Date.parse(text);
  if (Number.isNaN(at)) return text;
  const seconds = Math.round((now.value - at) / 1000);
  if (Math.abs(seconds) < 10) return "now";
  return seconds < 0 ? "in " + duration(-seconds) : duration(seconds);
}

/** past returns the time since then as part of a sentence: "now" or "3 min ago". */
export function past(text: string | null): string {
  const short = relative(text);
  return text === null || short === "now" || short.startsWith("in ") ? short : short + " ago";
}

/** duration returns a number of seconds in words, rounded down. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.floor(seconds)} s`;
  if (seconds < 60) return `${Math.floor(seconds / 10) * 10} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

// When an order should settle, in words. Days are calendar days without a zone.
import type { Settlement } from "./types";

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** dayWords returns a day such as "Mon 2026-12-28". */
export function dayWords(day: string): string {
  const at = new Date(day + "T00:00:00Z");
  return Number.isNaN(at.getTime()) ? day : `${weekdays[at.getUTCDay()]} ${day}`;
}

/** dueWords returns the due day and the state of settlement; null if there is nothing to settle. */
export function dueWords(s: Settlement | null): string | null {
  if (s === null || s.dueOn === null) return null;
  return `${dayWords(s.dueOn)}, ${s.cycle}: ${stateWords(s)}`;
}

function stateWords(s: Settlement): string {
  switch (s.state) {
    case "overdue":
      return s.overdueDays === "1" ? "overdue by 1 settlement day" : `overdue by ${s.overdueDays} settlement days`;
    case "due":
      return "due today";
  }
  return s.state;
}

/** Due shows the due day, and a word if it is today or past. */
export function Due({ of: s }: { of: Settlement | null }) {
  if (s === null || s.dueOn === null) return null;
  const word = s.state === "overdue" ? `overdue ${s.overdueDays} d` : s.state === "due" ? "today" : s.state === "settled" ? "settled" : "";
  return (
    <span class={"due tone-" + s.state} title={dueWords(s) ?? undefined}>
      {s.dueOn} {word && <span class="word">{word}</span>}
    </span>
  );
}

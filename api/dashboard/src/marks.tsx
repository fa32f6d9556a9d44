// Statuses and breaks are shown as a shape and a word, never by colour alone.
import type { JSX } from "preact";

type Shape = "ring" | "half" | "disc" | "check" | "dash" | "cross" | "question";

interface Look {
  word: string;
  shape: Shape;
  tone: "open" | "done" | "closed" | "bad" | "unknown";
}

const looks: Record<string, Look> = {
  RECEIVED: { word: "Received", shape: "ring", tone: "open" },
  PENDING: { word: "Pending", shape: "ring", tone: "open" },
  PLACED: { word: "Placed", shape: "ring", tone: "open" },
  PARTIALLY_FILLED: { word: "Partly filled", shape: "half", tone: "open" },
  FILLED: { word: "Filled", shape: "disc", tone: "done" },
  CORRECTED: { word: "Corrected", shape: "disc", tone: "done" },
  SETTLED: { word: "Settled", shape: "check", tone: "done" },
  CANCELED: { word: "Canceled", shape: "dash", tone: "closed" },
  EXPIRED: { word: "Expired", shape: "dash", tone: "closed" },
  REJECTED: { word: "Rejected", shape: "cross", tone: "bad" },
  INVALID: { word: "Invalid", shape: "cross", tone: "bad" },
  NONE: { word: "No status", shape: "question", tone: "unknown" },
};

/** statuses are sorted in the order in which an order usually has them. */
export const statuses = ["RECEIVED", "PENDING", "PLACED", "PARTIALLY_FILLED", "FILLED", "CORRECTED", "SETTLED", "CANCELED", "EXPIRED", "REJECTED", "INVALID", "NONE"];

function look(status: string | null): Look {
  return looks[status ?? "NONE"] ?? { word: words(status ?? ""), shape: "question", tone: "unknown" };
}

/** statusWord returns the label of a status. */
export function statusWord(status: string | null): string {
  return look(status).word;
}

/** words converts a name such as fill_after_close or PARTIALLY_FILLED to words. */
export function words(name: string): string {
  const text = name.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function shape(of: Shape): JSX.Element {
  switch (of) {
    case "ring":
      return <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.75" />;
    case "half":
      return (
        <>
          <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.75" />
          <path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" />
        </>
      );
    case "disc":
      return <circle cx="6" cy="6" r="4.75" fill="currentColor" />;
    case "check":
      return <path d="M1.8 6.4 4.7 9.2 10.2 2.9" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round" />;
    case "dash":
      return <path d="M2 6h8" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" />;
    case "cross":
      return <path d="m2.6 2.6 6.8 6.8m0-6.8L2.6 9.4" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" />;
    case "question":
      return <path d="M3.9 4.1A2.1 2.1 0 1 1 6.9 6c-.6.3-.9.7-.9 1.4M6 9.6v.2" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" />;
  }
}

/** StatusMark shows a status. */
export function StatusMark({ status }: { status: string | null }) {
  const { word, shape: of, tone } = look(status);
  return (
    <span class={"mark tone-" + tone}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        {shape(of)}
      </svg>
      {word}
    </span>
  );
}

/** SeverityMark shows the severity of a break: a triangle for warn, a filled one for high. */
export function SeverityMark({ severity, children }: { severity: string; children?: preact.ComponentChildren }) {
  const high = severity === "high";
  return (
    <span class={"mark " + (high ? "grade-high" : "grade-warn")}>
      <svg viewBox="0 0 12 12" width="12" height="12" role="img" aria-label={high ? "high" : "warn"}>
        <path d="M6 1.6 11 10.4H1z" fill={high ? "currentColor" : "none"} stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />
      </svg>
      {children}
    </span>
  );
}

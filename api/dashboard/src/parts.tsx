// Small pieces of every screen.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Fault } from "./api";
import { groups } from "./digits";
import { absolute, now, relative } from "./time";
import { zone } from "./settings";

/** Num shows a decimal with thin gaps between groups of three digits. The gaps are not text, so copying gives the plain digits. */
export function Num({ value, none = "" }: { value: string | null | undefined; none?: string }) {
  if (value === null || value === undefined) return none ? <span class="faint">{none}</span> : null;
  const parts = groups(value);
  if (parts.length === 1) return <span class="num">{value}</span>;
  return (
    <span class="num">
      {parts.map((part, i) => (i === 0 ? part : <span class="gap">{part}</span>))}
    </span>
  );
}

/** Ago shows how long ago a time was, formatted by words, and the time itself on hover. */
export function Ago({ at, words = relative }: { at: string | null; words?: (at: string) => string }) {
  now.value;
  zone.value;
  return at === null ? null : (
    <time dateTime={at} title={absolute(at)}>
      {words(at)}
    </time>
  );
}

/** At shows a time with its zone. */
export function At({ at, none = "–" }: { at: string | null; none?: string }) {
  zone.value;
  return at === null ? <span class="faint">{none}</span> : <time dateTime={at} title={at}>{absolute(at)}</time>;
}

/** Id shows an id in a monospaced font; it is truncated only visually. */
export function Id({ value }: { value: string | null }) {
  return value === null ? null : <span class="id" title={value}>{value}</span>;
}

/** Copy is a button that copies a text. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  return (
    <button class="quiet small" type="button" aria-label={"Copy " + what} onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}
      onBlur={() => setDone(false)}>
      {done ? "Copied" : "Copy"}
    </button>
  );
}

/** Empty states that there is nothing to show, and offers one action. */
export function Empty({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{text}</p>
      {children}
    </div>
  );
}

/** Loading is a placeholder that appears after a moment. */
export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="bar" />
      Loading {what}…
    </div>
  );
}

/** Trouble states what happened, what still works, and what to do. */
export function Trouble({ error, what, again }: { error: unknown; what: string; again?: (() => void) | undefined }) {
  const fault = error instanceof Fault ? error : null;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{fault ? fault.title : `${what} cannot be shown`}.</strong> {fault ? fault.detail : String(error)}
      </p>
      <p class="dim">{advice(fault)}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

function advice(fault: Fault | null): string {
  switch (fault?.code) {
    case "unreachable":
      return "The rest of the page keeps its data. Check that the service runs and that this machine can reach it.";
    case "forbidden":
      return "This key can only read. Sign in with a key of the role operator to change something.";
    case "misdirected":
      return "Open the dashboard as localhost or 127.0.0.1, or configure a key.";
    case "rate-limited":
      return "The page keeps its data. Wait a moment, or close other tabs of the dashboard.";
    case "not-found":
      return "Other orders can be opened. Press / to search by id, or check that the link is complete.";
    case "not-ready":
    case "view-behind":
      return "Notifications are still accepted. The data appears when the views are ready; Operations shows the progress.";
    case "log-unavailable":
      return "Orders and lists still work. The history and the bytes of notifications need the log.";
    case "record-missing":
      return "Everything else about the order still works. Inform the operator of the service.";
    case "bad-parameter":
      return "Correct the filter, or remove it.";
    default:
      return "The other screens still work. Try to load this again.";
  }
}

/** Dialog is a dialog over the page. Esc and a click outside close it. */
export function Dialog({ label, close, children }: { label: string; close: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current!.showModal();
  }, []);
  return (
    <dialog ref={ref} aria-label={label} onClose={close} onClick={(e) => e.target === ref.current && close()}>
      <div class="dialog">{children}</div>
    </dialog>
  );
}

/** Menu is a button with a window below it. Esc and a click elsewhere close it. */
export function Menu({ label, title, children, end }: { label: ComponentChildren; title: string; children: (close: () => void) => ComponentChildren; end?: boolean }) {
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (e: Event) => !ref.current!.contains(e.target as Node) && setOpen(false);
    const escape = (e: KeyboardEvent) => {
      if (e.key !== "Escape") return;
      e.stopPropagation();
      setOpen(false);
      ref.current!.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", escape, true);
    };
  }, [open]);
  return (
    <div class="menu" ref={ref}>
      <button type="button" aria-expanded={open} aria-haspopup="true" title={title} onClick={() => setOpen(!open)}>
        {label}
      </button>
      {open && <div class={"sheet" + (end ? " end" : "")}>{children(() => setOpen(false))}</div>}
    </div>
  );
}

// Small pieces of every screen.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Fault } from "./api";
import { groups } from "./digits";
import { absolute, now, relative } from "./time";
import { zone } from "./settings";

/** Num shows a decimal with thin gaps between groups of three digits. The gaps are not text: what is copied are the digits. */
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

/** Ago shows how long ago a time was, as words says it, and the time itself on hover. */
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

/** Id shows an id in the machine's letters, whole: it is cut for the eye only. */
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

/** Empty says what would be here, and offers one thing to do. */
export function Empty({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{text}</p>
      {children}
    </div>
  );
}

/** Loading takes the place of what is on its way. It is seen only after a moment. */
export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="bar" />
      Loading {what}…
    </div>
  );
}

/** Trouble says what happened, what still works, and what to do. */
export function Trouble({ error, what, again }: { error: unknown; what: string; again?: (() => void) | undefined }) {
  const fault = error instanceof Fault ? error : null;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{fault ? fault.title : `${what} cannot be shown`}.</strong> {fault ? fault.detail : String(error)}
      </p>
      <p class="dim">{advice(fault, what)}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

function advice(fault: Fault | null, what: string): string {
  switch (fault?.code) {
    case "unreachable":
      return "The rest of the page stays as it was. Look whether the service runs, and whether this machine reaches it.";
    case "forbidden":
      return "Reading works with this key. Sign in with a key of the role operator to change something.";
    case "misdirected":
      return "Open the dashboard as localhost or 127.0.0.1, or have a key configured.";
    case "rate-limited":
      return "What is shown stays. Wait a moment, or close other tabs of the dashboard.";
    case "not-found":
      return "Other orders can be opened. Search with / by any id, or look whether the link is whole.";
    case "not-ready":
    case "view-behind":
      return "Notifications are still taken. The screen fills when the views are ready; Operations shows how far they are.";
    case "log-unavailable":
      return "Orders and lists work. Raw bytes and history need the log.";
    case "record-missing":
      return "Everything else of the order works. Tell whoever operates the service.";
    case "bad-parameter":
      return "Correct the filter, or take it away.";
    default:
      return `The other screens work. ${what} can be asked for again.`;
  }
}

/** Dialog is a window over the page, closed by Esc and by a click beside it. */
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

/** Menu is a button with a window below it, closed by a click elsewhere and by Esc. */
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

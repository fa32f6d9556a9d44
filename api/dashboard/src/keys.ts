// Keyboard shortcuts. Single letters can be switched off, because speech input or a tremor can send them by accident.
import { signal } from "@preact/signals";
import { go } from "./route";
import { letterKeys } from "./settings";

/** shown is the dialog that is open over the page. */
export const shown = signal<"search" | "help" | null>(null);

/** Bindings contains the actions of a screen by key. */
export type Bindings = Record<string, () => void>;

let ofScreen: Bindings = {};

/** bind sets the keys of a screen, and returns a function that removes them. */
export function bind(keys: Bindings): () => void {
  ofScreen = keys;
  return () => {
    if (ofScreen === keys) ofScreen = {};
  };
}

const places: Record<string, string> = { b: "/", k: "/breaks", s: "/settlement", o: "/operations" };
let afterG = 0; // time until which a letter after g counts

function typing(target: EventTarget | null): boolean {
  const e = target as HTMLElement | null;
  return !!e && (e.isContentEditable || e.tagName === "TEXTAREA" || e.tagName === "SELECT" ||
    (e.tagName === "INPUT" && !["checkbox", "radio", "button", "range"].includes((e as HTMLInputElement).type)));
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || shown.peek() !== null) return;
  const press = event.key;
  const letter = press.length === 1;
  if (letter && !letterKeys.peek()) return;
  if (letter && afterG > Date.now()) {
    afterG = 0;
    const to = places[press];
    if (to) {
      event.preventDefault();
      go(to);
    }
    return;
  }
  if (press === "g") {
    afterG = Date.now() + 1500;
    return;
  }
  if (press === "/" || press === "?") {
    event.preventDefault();
    shown.value = press === "/" ? "search" : "help";
    return;
  }
  // The browser handles Enter and Space on a link or a button.
  if (press === "Enter" && event.target instanceof Element && event.target.closest("a,button,summary,input")) return;
  const act = ofScreen[press];
  if (act) {
    event.preventDefault();
    act();
  }
});

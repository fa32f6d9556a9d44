// What a person chose, kept in the browser.
import { effect, signal, type Signal } from "@preact/signals";

/** kept returns a signal whose value is remembered under a name. A browser that does not remember is no reason to fail. */
export function kept<T>(name: string, initial: T): Signal<T> {
  let value = initial;
  try {
    const text = localStorage.getItem("orderfold." + name);
    if (text !== null) value = JSON.parse(text) as T;
  } catch {
    // as if nothing had been chosen
  }
  const s = signal(value);
  let first = true;
  effect(() => {
    const text = JSON.stringify(s.value);
    if (first) {
      first = false;
      return;
    }
    try {
      localStorage.setItem("orderfold." + name, text);
    } catch {
      // chosen for this page only
    }
  });
  return s;
}

export const theme = kept<"system" | "light" | "dark">("theme", "system");
export const zone = kept<"utc" | "local">("zone", "local");
export const letterKeys = kept("letterKeys", true);

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** dark says which theme is shown. */
export const dark = signal(false);

function applyTheme() {
  dark.value = theme.value === "dark" || (theme.value === "system" && prefersDark.matches);
  document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
}
effect(applyTheme);
prefersDark.addEventListener("change", applyTheme);

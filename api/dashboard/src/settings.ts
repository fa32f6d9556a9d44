// The user's settings, stored in the browser.
import { effect, signal, type Signal } from "@preact/signals";

/** kept returns a signal whose value is stored under a name. A browser without storage is not an error. */
export function kept<T>(name: string, initial: T): Signal<T> {
  let value = initial;
  try {
    const text = localStorage.getItem("orderfold." + name);
    if (text !== null) value = JSON.parse(text) as T;
  } catch {
    // use the default
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
      // not stored; applies to this page only
    }
  });
  return s;
}

export const theme = kept<"system" | "light" | "dark">("theme", "system");
export const zone = kept<"utc" | "local">("zone", "local");
export const letterKeys = kept("letterKeys", true);

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** dark reports whether the dark theme is shown. */
export const dark = signal(false);

function applyTheme() {
  dark.value = theme.value === "dark" || (theme.value === "system" && prefersDark.matches);
  document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
}
effect(applyTheme);
prefersDark.addEventListener("change", applyTheme);

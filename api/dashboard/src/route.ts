import { signal } from "@preact/signals";

// The files are in <prefix>/assets/<digest>/, where the prefix depends on the proxy.
const prefix = new URL(import.meta.url).pathname.replace(/\/assets\/[^/]*\/[^/]*$/, "");

export interface Place {
  path: string; // without the prefix
  query: URLSearchParams;
}

function here(): Place {
  const path = location.pathname.startsWith(prefix) ? location.pathname.slice(prefix.length) : location.pathname;
  return { path: path || "/", query: new URLSearchParams(location.search) };
}

/** place is the path and query in the address bar. */
export const place = signal<Place>(here());
addEventListener("popstate", () => (place.value = here()));

/** address returns the address of a link. */
export function address(path: string, query?: URLSearchParams): string {
  const text = query?.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  return prefix + path + (text ? "?" + text : "");
}

/** go shows another place. With replace, it replaces the current entry of the browser's history. */
export function go(path: string, query?: URLSearchParams, replace = false): void {
  const to = address(path, query);
  if (to === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  place.value = here();
  if (!replace) scrollTo(0, 0);
}

/** change changes parameters of the current place; null removes one. */
export function change(parameters: Record<string, string | null>, replace = false): void {
  const query = new URLSearchParams(place.peek().query);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  go(place.peek().path, query, replace);
}

/** orderPath returns the path of an order's own page. */
export function orderPath(id: string): string {
  return "/orders/" + encodeURIComponent(id);
}

/** follow handles a plain click on a link within the dashboard. The browser handles all others. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element).closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  const path = link.pathname.slice(prefix.length);
  if (!link.pathname.startsWith(prefix) || path.startsWith("/v1/") || path === "/openapi.json" || path === "/metrics") return;
  event.preventDefault();
  go(path, new URLSearchParams(link.search));
}

import { effect } from "@preact/signals";
import { render } from "preact";
import { lazy } from "./lazy";
import { hasKey, heard, leave, signedOut } from "./api";
import { Blotter } from "./blotter";
import { approximate, zero } from "./digits";
import { Help } from "./help";
import { shown } from "./keys";
import { Empty, Menu } from "./parts";
import { address, follow, place } from "./route";
import { Search } from "./search";
import { access, banner, stats, status, watchService } from "./service";
import { letterKeys, theme, zone } from "./settings";
import { SignIn } from "./signin";
import { clock, zoneName } from "./time";

const Order = lazy(() => import("./order"));
const Breaks = lazy(() => import("./breaks"));
const Settlement = lazy(() => import("./settlement"));
const Operations = lazy(() => import("./operations"));

const screens = [
  { path: "/", name: "Blotter" },
  { path: "/breaks", name: "Breaks" },
  { path: "/settlement", name: "Settlement" },
  { path: "/operations", name: "Operations" },
];

function Screen() {
  const { path } = place.value;
  const id = /^\/orders\/([^/]+)\/?$/.exec(path)?.[1];
  if (id !== undefined) return <Order id={decode(id)} key={id} />;
  switch (path.replace(/\/$/, "")) {
    case "":
    case "/orders":
      return <Blotter />;
    case "/breaks":
      return <Breaks />;
    case "/operations":
      return <Operations />;
    case "/settlement":
      return <Settlement />;
  }
  return (
    <main class="page" id="main">
      <h1 class="hidden">No such page</h1>
      <Empty text="There is no such page.">
        <a class="button" href={address("/")}>
          Show all orders
        </a>
      </Empty>
    </main>
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** openBreaks returns the number of open breaks of all orders. */
function openBreaks(): number {
  return Object.values(stats.value?.byBreak ?? {}).reduce((sum, n) => sum + approximate(n), 0);
}

function Header() {
  const { path } = place.value;
  const current = (to: string) => (to === "/" ? path === "/" || path.startsWith("/orders") : path.startsWith(to));
  const breaks = openBreaks();
  return (
    <header class="top">
      <a class="brand" href={address("/")} aria-label="Orderfold">
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <rect width="16" height="16" rx="3.5" />
          <path d="M3.5 5.2h9M3.5 8h6.2M3.5 10.8h3.4" />
        </svg>
        <span>Orderfold</span>
      </a>
      <nav aria-label="Screens">
        {screens.map((s) => (
          <a href={address(s.path)} aria-current={current(s.path) ? "page" : undefined}>
            {s.name}
            {s.path === "/breaks" && breaks > 0 && <span class="count">{breaks}</span>}
            {s.path === "/settlement" && !zero(stats.value?.bySettlement.overdue) && <span class="count" title="Overdue">{stats.value!.bySettlement.overdue}</span>}
            {s.path === "/operations" && status.value && !status.value.ready && <span class="count bad">!</span>}
          </a>
        ))}
      </nav>
      <button type="button" class="find" aria-label="Search" onClick={() => (shown.value = "search")}>
        <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
          <path d="M5 1.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7m2.6 6.1 2.9 2.9" />
        </svg>
        <span class="wide">Search</span>
        <kbd>/</kbd>
      </button>
      <Fresh />
      <Menu end title="Settings" label={<span aria-label="Settings">⋯</span>}>
        {() => <Settings />}
      </Menu>
    </header>
  );
}

/** Fresh shows the time of the page's data, and its lag behind the log. */
function Fresh() {
  const s = status.value;
  zone.value;
  if (!heard.value || !s) return <span class="fresh" />;
  const behind = s.lagRecords === null ? "log position unknown" : `${s.lagRecords} behind`;
  const bad = banner.value !== null;
  return (
    <span class={"fresh" + (bad ? " old" : "")} title={`Record ${s.appliedSequence} of the log is applied. Times are ${zoneName()}.`}>
      <span class="dot" aria-hidden="true" />
      <span>
        as of {clock(new Date(Math.floor(heard.value / 1000) * 1000))}
        <span class="wide">, {behind}</span>
      </span>
    </span>
  );
}

function Settings() {
  const role = access.value?.role;
  return (
    <div class="settings">
      <fieldset>
        <legend>Theme</legend>
        {(["system", "light", "dark"] as const).map((t) => (
          <label>
            <input type="radio" name="theme" checked={theme.value === t} onChange={() => (theme.value = t)} /> {t}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Times</legend>
        {(["local", "utc"] as const).map((z) => (
          <label>
            <input type="radio" name="zone" checked={zone.value === z} onChange={() => (zone.value = z)} /> {z === "utc" ? "UTC" : "local"}
          </label>
        ))}
      </fieldset>
      <label>
        <input type="checkbox" checked={letterKeys.value} onChange={() => (letterKeys.value = !letterKeys.value)} /> Single-letter keys
      </label>
      <button type="button" class="quiet" onClick={() => (shown.value = "help")}>
        Keys and links <kbd>?</kbd>
      </button>
      {hasKey() && (
        <button type="button" onClick={leave}>
          Sign out{access.value?.name ? ` ${access.value.name}` : ""}
          {role ? ` (${role})` : ""}
        </button>
      )}
      <a href={address("/openapi.json")} target="_blank">
        API description
      </a>
    </div>
  );
}

function App() {
  if (signedOut.value !== null) return <SignIn />;
  const b = banner.value;
  return (
    <div class="app" onClick={follow}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      {b && (
        <div class={"banner " + b.grade} role="alert">
          <strong>{b.text}</strong> {b.what}
        </div>
      )}
      <Screen />
      {shown.value === "search" && <Search />}
      {shown.value === "help" && <Help />}
    </div>
  );
}

effect(() => {
  const id = /^\/orders\/([^/]+)/.exec(place.value.path)?.[1];
  const screen = screens.find((s) => s.path === place.value.path.replace(/\/$/, ""))?.name;
  document.title = (id ? `Order ${decode(id).slice(0, 8)}` : (screen ?? "Blotter")) + " – Orderfold";
});
// The icon needs an absolute address, because the browser resolves a relative one again on each page.
const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
if (icon) icon.href = new URL(icon.href, location.href).href;
document.body.textContent = "";
watchService();
render(<App />, document.body);

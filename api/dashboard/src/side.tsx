import { useState } from "preact/hooks";
import { filtersOf, predefined, sameQuery, type View } from "./filters";
import { StatusMark, statuses } from "./marks";
import { address, place } from "./route";
import { stats } from "./service";
import { kept } from "./settings";
import { Num } from "./parts";
import { zero } from "./digits";

const own = kept<View[]>("views", []);

/** Side lists the views, and the statuses with their counts over all orders. */
export function Side() {
  const query = place.value.query;
  const current = filtersOf(query).toString();
  const by = stats.value?.byStatus ?? {};
  const seen = statuses.filter((s) => s !== "NONE" || !zero(by[s]));
  return (
    <nav class="side" aria-label="Views and statuses">
      <h2>Views</h2>
      <ul>
        {predefined().map((v) => (
          <Item view={v} current={current} />
        ))}
        {own.value.map((v) => (
          <Item view={v} current={current} remove={() => (own.value = own.value.filter((o) => o !== v))} />
        ))}
      </ul>
      <Keep current={current} />
      <h2>Status</h2>
      <ul>
        {seen.map((s) => {
          const on = sameQuery(current, "status=" + s);
          return (
            <li>
              <a href={address("/", new URLSearchParams(on ? "" : "status=" + s))} aria-current={on ? "true" : undefined} data-status={s}>
                <StatusMark status={s === "NONE" ? null : s} />
                <span class="count"><Num value={by[s] ?? (stats.value ? "0" : null)} /></span>
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

/** isCurrent reports whether a view is the current one. It ignores the time in views such as "Rejected today", which changes every day. */
function isCurrent(view: View, current: string): boolean {
  const plain = (text: string) => text.replace(/(modified(?:Since|Until))=[^&]*/g, "$1=");
  return sameQuery(view.query, current) || (view.query.includes("modified") && sameQuery(plain(view.query), plain(current)));
}

function Item({ view, current, remove }: { view: View; current: string; remove?: () => void }) {
  return (
    <li>
      <a href={address("/", new URLSearchParams(view.query))} aria-current={isCurrent(view, current) ? "true" : undefined}>
        {view.name}
      </a>
      {remove && (
        <button type="button" class="quiet small" aria-label={`Remove the view ${view.name}`} onClick={remove}>
          ×
        </button>
      )}
    </li>
  );
}

/** Keep saves the current filters under a name. */
function Keep({ current }: { current: string }) {
  const [name, setName] = useState<string | null>(null);
  const known = [...predefined(), ...own.value].some((v) => isCurrent(v, current));
  if (known) return null;
  if (name === null) {
    return (
      <button type="button" class="quiet keep" onClick={() => setName("")}>
        + Save this view
      </button>
    );
  }
  return (
    <form class="keep" onSubmit={(e) => {
      e.preventDefault();
      if (!name.trim()) return;
      own.value = [...own.value, { name: name.trim(), query: current }];
      setName(null);
    }}>
      <input autoFocus aria-label="Name of the view" placeholder="Name, then Enter" value={name} maxLength={40} onInput={(e) => setName(e.currentTarget.value)}
        onKeyDown={(e) => e.key === "Escape" && setName(null)} />
    </form>
  );
}

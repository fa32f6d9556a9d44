import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ask } from "./api";
import { approximate, zero } from "./digits";
import { bind } from "./keys";
import { SeverityMark, StatusMark, words } from "./marks";
import { Evidence } from "./orderparts";
import { Ago, Empty, Loading, Num, Trouble } from "./parts";
import { address, go, orderPath, place } from "./route";
import { stats } from "./service";
import { breakParameters, type Breaks as Page, type OpenBreak } from "./types";

const ages = breakParameters.find((p) => p.name === "age")?.values ?? [];
const ageWords: Record<string, string> = { "0-1": "under 1 day", "1-2": "1–2 days", "3-5": "3–5 days", "over-5": "over 5 days" };

function selection(query: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams();
  for (const p of breakParameters) {
    if (!["limit", "cursor", "minSequence"].includes(p.name)) for (const v of query.getAll(p.name)) out.append(p.name, v);
  }
  return out;
}

/** Breaks lists the open breaks, oldest first. */
export default function Breaks() {
  const selected = selection(place.value.query).toString();
  const page = useSignal<Page | null>(null);
  const extra = useSignal<readonly OpenBreak[]>([]);
  const next = useSignal<string | null>(null);
  const fault = useSignal<unknown>(null);
  const cursor = useSignal(-1);
  // A change of the counts of all orders shows that a break was opened or closed.
  const version = JSON.stringify(stats.value?.byBreak ?? {});

  async function load() {
    try {
      const { body } = await ask<Page>(`/v1/breaks?${selected}&limit=100`.replace("?&", "?"));
      page.value = body;
      extra.value = [];
      next.value = body.nextCursor;
      fault.value = null;
    } catch (error) {
      fault.value = error;
    }
  }
  async function more() {
    try {
      const { body } = await ask<Page>(`/v1/breaks?${selected}&limit=100&cursor=${encodeURIComponent(next.value!)}`.replace("?&", "?"));
      extra.value = [...extra.value, ...body.data];
      next.value = body.nextCursor;
    } catch (error) {
      fault.value = error;
    }
  }
  useEffect(() => void load(), [selected, version]);
  useEffect(() => {
    const step = (by: number) => {
      const all = document.querySelectorAll<HTMLElement>("#breaks tbody tr");
      cursor.value = Math.min(Math.max(cursor.value + by, 0), all.length - 1);
      all[cursor.value]?.scrollIntoView({ block: "nearest" });
      all[cursor.value]?.querySelector("a")?.focus({ preventScroll: true }); // so that Enter opens it
    };
    const next = () => step(1);
    const previous = () => step(-1);
    return bind({ n: next, j: next, p: previous, k: previous, Escape: () => go("/breaks") });
  }, []);

  if (fault.value && !page.value) return <main class="page" id="main"><Trouble error={fault.value} what="The list of breaks" again={() => void load()} /></main>;
  if (!page.value) return <main class="page" id="main"><Loading what="breaks" /></main>;
  const rows = [...page.value.data, ...extra.value];
  return (
    <main class="page" id="main">
      <h1>Breaks</h1>
      <p class="dim">A break is a contradiction between the notifications of an order, or a status that the rules do not know. It closes by itself when the missing notification arrives.</p>
      <Matrix version={version} />
      {selected !== "" && (
        <p>
          <a href={address("/breaks")}>Show all breaks</a> <span class="dim">instead of these {sum(page.value)}</span>
        </p>
      )}
      {rows.length === 0 ? (
        <Empty text={selected === "" ? "There are no open breaks." : "There are no open breaks of this kind and age."}>
          <a class="button" href={address(selected === "" ? "/" : "/breaks")}>{selected === "" ? "Show all orders" : "Show all breaks"}</a>
        </Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Open breaks">
          <table id="breaks" class="cards">
            <thead>
              <tr>
                <th scope="col">Break</th>
                <th scope="col" class="right">Open for</th>
                <th scope="col">Order</th>
                <th scope="col">Status</th>
                <th scope="col">Why</th>
                <th scope="col">Shown by records</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((b, i) => (
                <tr key={b.orderId + b.code} class={cursor.value === i ? "cursor" : ""}>
                  <td data-name="Break"><SeverityMark severity={b.severity}>{words(b.code)}</SeverityMark></td>
                  <td data-name="Open for" class="right"><Ago at={b.openedAt} /></td>
                  <td data-name="Order"><a class="id" href={address(orderPath(b.orderId), new URLSearchParams({ at: b.openedSequence }))}>{b.orderId}</a></td>
                  <td data-name="Status"><StatusMark status={b.status} /></td>
                  <td data-name="Why" class="wrap">{b.rule}</td>
                  <td data-name="Shown by"><Evidence of={b} id={b.orderId} /></td>
                </tr>
              ))}
            </tbody>
          </table>
          {next.value && <button type="button" class="more" onClick={() => void more()}>Show 100 more</button>}
        </div>
      )}
    </main>
  );
}

function sum(page: Page): number {
  return Object.values(page.counts.byAge).reduce((n, c) => n + approximate(c), 0);
}

/** Matrix counts the breaks by code and age. The API counts by one of the two, so Matrix requests the counts by age for each open code. */
function Matrix({ version }: { version: string }) {
  const rows = useSignal<{ code: string; severity: string; byAge: Record<string, string> }[] | null>(null);
  const query = place.value.query;
  const codes = useMemo(() => Object.entries(stats.value?.byBreak ?? {}).filter(([, n]) => !zero(n)).map(([code]) => code), [version]);
  useEffect(() => {
    let gone = false;
    Promise.all(codes.map(async (code) => {
      const { body } = await ask<Page>(`/v1/breaks?code=${code}&limit=1`);
      return { code, severity: body.data[0]?.severity ?? "warn", byAge: body.counts.byAge as Record<string, string> };
    })).then((all) => {
      if (!gone) rows.value = all.sort((a, b) => a.severity.localeCompare(b.severity) || a.code.localeCompare(b.code));
    }, () => undefined); // the list below shows the error
    return () => void (gone = true);
  }, [codes]);
  if (!rows.value || rows.value.length === 0) return null;
  const here = (code: string, age: string | null) => query.get("code") === code && query.get("age") === age;
  return (
    <table class="small matrix">
      <thead>
        <tr>
          <th scope="col">Break</th>
          {ages.map((a) => <th scope="col" class="right">{ageWords[a] ?? a}</th>)}
          <th scope="col" class="right">All</th>
        </tr>
      </thead>
      <tbody>
        {rows.value.map((r) => (
          <tr>
            <th scope="row"><SeverityMark severity={r.severity}>{words(r.code)}</SeverityMark></th>
            {ages.map((a) => (
              <td class="right">
                {zero(r.byAge[a]) ? <span class="faint">0</span> : (
                  <a href={address("/breaks", new URLSearchParams({ code: r.code, age: a }))} aria-current={here(r.code, a) ? "true" : undefined}><Num value={r.byAge[a]} /></a>
                )}
              </td>
            ))}
            <td class="right">
              <a href={address("/breaks", new URLSearchParams({ code: r.code }))} aria-current={here(r.code, null) ? "true" : undefined}>
                {ages.reduce((n, a) => n + Number(r.byAge[a] ?? 0), 0)}
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

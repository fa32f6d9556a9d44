// Search finds an id of any kind.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Fault, ask } from "./api";
import { instrument } from "./columns";
import { shown } from "./keys";
import { StatusMark } from "./marks";
import { Dialog } from "./parts";
import { go, orderPath } from "./route";
import type { ComponentChildren } from "preact";
import type { Found as Answered, Order, Search as Answer } from "./types";

/** Found is one match of a search. */
interface Found {
  kind: string;
  text: ComponentChildren;
  path: string;
  query?: URLSearchParams;
}

const kinds: Record<string, string> = {
  order: "Order", notification: "Record", externalId: "External id", productId: "Product", isin: "ISIN", symbol: "Symbol", object: "Other object",
  idPrefix: "Order id prefix",
};
const most = 5; // orders shown of each kind

/** find searches for a text. */
async function find(text: string, signal: AbortSignal): Promise<Found[]> {
  const { body } = await ask<Answer>("/v1/search?q=" + encodeURIComponent(text), { signal });
  const ids = new Set(body.found.flatMap((f) => f.orderIds.slice(0, most)));
  const orders = new Map<string, Order>();
  await Promise.all([...ids].map(async (id) => orders.set(id, (await ask<Order>("/v1/orders/" + encodeURIComponent(id), { signal })).body)));
  const seen = new Set<string>();
  return body.found.flatMap((f) => places(f, text, orders)).filter((f) => {
    const key = f.path + "?" + (f.query ?? "");
    return !seen.has(key) && seen.add(key);
  });
}

/** places returns the links of an answer. */
function places(f: Answered, text: string, orders: ReadonlyMap<string, Order>): Found[] {
  const kind = kinds[f.kind] ?? f.kind;
  if (f.kind === "notification" && f.orderIds[0] !== undefined) {
    return [{ kind, text: <>Record {f.sequence} of <Line order={orders.get(f.orderIds[0])} /></>, path: orderPath(f.orderIds[0]), query: new URLSearchParams({ at: f.sequence ?? text }) }];
  }
  if (f.sequence !== null && f.orderIds.length === 0) {
    return [{ kind, text: <>Record {f.sequence}{f.object && <> ({f.object})</>}</>, path: "/operations", query: new URLSearchParams({ record: f.sequence }) }];
  }
  const single = f.orderIds.slice(0, most).map((id): Found => ({ kind: "Order", text: <Line order={orders.get(id)} />, path: orderPath(id) }));
  if (f.kind === "order" || (single.length === 1 && !f.more)) return single;
  const many = f.more ? "All orders" : `${f.orderIds.length} orders`;
  return [{ kind, text: <>{many} with <span class="mono">{text}</span></>, path: "/", query: new URLSearchParams(f.path.split("?")[1]) }, ...single];
}

function Line({ order: o }: { order: Order | undefined }) {
  return o ? <><StatusMark status={o.status} /> <span class="mono">{instrument(o)}</span> <span class="dim mono">{o.externalId ?? o.orderId}</span></> : null;
}

export function Search() {
  const text = useSignal("");
  const found = useSignal<Found[] | null>(null);
  const trouble = useSignal("");
  const at = useSignal(0);
  const input = useRef<HTMLInputElement>(null);
  const asked = text.value.trim();
  const close = () => (shown.value = null);
  const open = (f: Found) => {
    close();
    go(f.path, f.query);
  };

  useEffect(() => input.current!.focus(), []);
  useEffect(() => {
    found.value = null;
    trouble.value = "";
    at.value = 0;
    if (asked === "") return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      find(asked, abort.signal).then(
        (f) => (found.value = f),
        (error) => abort.signal.aborted || (trouble.value = error instanceof Fault ? `${error.title}. ${error.detail}` : String(error)),
      );
    }, 150);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);

  const list = found.value ?? [];
  const keys = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      at.value = Math.min(Math.max(at.value + (e.key === "ArrowDown" ? 1 : -1), 0), Math.max(list.length - 1, 0));
    }
    if (e.key === "Enter" && list[at.value]) {
      e.preventDefault();
      open(list[at.value]!);
    }
  };
  return (
    <Dialog label="Search" close={close}>
      <input ref={input} class="search" type="search" list={undefined} role="combobox" aria-expanded={list.length > 0} aria-controls="found" aria-label="Id" spellcheck={false}
        placeholder="Order, external id, product, ISIN, symbol, record…" value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} onKeyDown={keys}
        aria-activedescendant={list.length > 0 ? "found-" + at.value : undefined} />
      <ul id="found" class="found" role="listbox" aria-label="Found">
        {list.map((f, i) => (
          <li id={"found-" + i} role="option" aria-selected={i === at.value} onClick={() => open(f)} onPointerMove={() => (at.value = i)}>
            <span class="kind">{f.kind}</span>
            <span class="text">{f.text}</span>
          </li>
        ))}
      </ul>
      <p class="dim" role="status">
        {trouble.value || (asked === "" ? "Type or paste an id, or the beginning of an order id." : found.value === null ? "Searching…" : list.length === 0 ? `Nothing has the id “${asked}”. Ids are matched exactly; the beginning of an order id needs four characters.` : "")}
      </p>
    </Dialog>
  );
}

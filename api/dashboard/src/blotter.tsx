import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Signal } from "@preact/signals";
import { save } from "./api";
import { ColumnChoice, instrument, shownColumns, widthOf, widths, type Column } from "./columns";
import { FilterBar } from "./filterbar";
import { filtersOf } from "./filters";
import { bind } from "./keys";
import { Orders, type Row } from "./list";
import { Empty, Loading, Menu, Trouble } from "./parts";
import { Panel } from "./panel";
import { address, change, go, orderPath, place } from "./route";
import { Side } from "./side";
import { StreamBanner } from "./streambanner";
import { Totals } from "./totals";

/** Blotter is the list of orders, live. */
export function Blotter() {
  const { query } = place.value;
  const filters = filtersOf(query);
  const sort = query.get("sort") ?? "";
  const selected = query.get("order");
  const list = useMemo(() => new Orders(filters, sort), [filters.toString(), sort]);
  useEffect(() => () => list.close(), [list]);
  const cursor = useSignal(selected);

  useEffect(() => bind(bindings(list, cursor)), [list]);

  return (
    <main class={"blotter" + (selected ? " with-panel" : "")} id="main">
      <h1 class="hidden">Orders</h1>
      <Side />
      <section class="list" aria-label="Orders">
        <div class="above">
          <FilterBar />
          <Tools list={list} filters={filters} sort={sort} />
        </div>
        <StreamBanner stream={list.stream} />
        <Table list={list} sort={sort} cursor={cursor} selected={selected} />
      </section>
      {selected && <Panel id={selected} key={selected} list={list} />}
    </main>
  );
}

function bindings(list: Orders, cursor: Signal<string | null>) {
  const step = (by: number) => {
    const rows = list.rows.peek();
    const at = rows.findIndex((r) => r.peek().id === cursor.peek());
    const to = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (!to) return;
    cursor.value = to.peek().id;
    if (place.peek().query.get("order")) change({ order: cursor.value }, true);
    const row = document.getElementById("row-" + cursor.value);
    row?.scrollIntoView({ block: "nearest" });
    row?.querySelector("a")?.focus({ preventScroll: true }); // so that Enter opens it
  };
  return {
    j: () => step(1),
    k: () => step(-1),
    Escape: () => change({ order: null }),
  } as Record<string, () => void>;
}

function Tools({ list, filters, sort }: { list: Orders; filters: URLSearchParams; sort: string }) {
  const fresh = list.fresh.value;
  const paused = list.paused.value;
  const exported = new URLSearchParams(filters);
  if (sort) exported.set("sort", sort);
  exported.set("format", "csv");
  return (
    <div class="tools">
      <Totals list={list} filters={filters} />
      {fresh > 0 && (
        <button type="button" class="pill" title="New or changed orders that are not in the list yet" onClick={() => { scrollTo(0, 0); void list.load(); }}>
          {Orders.full(fresh) ? "1000+" : fresh} new
        </button>
      )}
      <span class="spring" />
      <button type="button" aria-pressed={paused} title={paused ? "Update the rows again" : "Freeze the rows"} onClick={() => (list.paused.value = !paused)}>
        {paused ? `Resume${list.held.value ? ` (${list.held.value} changed)` : ""}` : "Pause"}
      </button>
      <Menu end title="Choose columns" label="Columns">
        {() => <ColumnChoice />}
      </Menu>
      <a class="button" href={address("/v1/orders", exported)} download="orders.csv" title="Download all matching orders"
        onClick={(e) => { e.preventDefault(); void save("/v1/orders?" + exported, "orders.csv"); }}>
        CSV
      </a>
    </div>
  );
}

/** everyRow is false until the first rows are drawn, so that the rows that fill the screen appear before the rest. */
const everyRow = signal(false);
const rowHeight = 28;

function Table({ list, sort, cursor, selected }: { list: Orders; sort: string; cursor: Signal<string | null>; selected: string | null }) {
  const shown = shownColumns();
  const known = list.rows.value;
  const rows = everyRow.value ? known : known.slice(0, Math.ceil(innerHeight / rowHeight));
  useEffect(() => {
    // An effect may run before the rows are painted; a task that a frame starts runs after.
    if (known.length > 0) requestAnimationFrame(() => setTimeout(() => (everyRow.value = true)));
  }, [known.length > 0]);
  if (list.fault.value && rows.length === 0) return <Trouble error={list.fault.value} what="The list" again={() => void list.load()} />;
  if (rows.length === 0 && list.next.value === null) return list.loading.value ? <Loading what="orders" /> : <Nothing />;
  const total = shown.reduce((sum, c) => sum + widthOf(c), 0);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Orders, a table that scrolls">
      <table class="orders" style={{ minWidth: total + "px" }}>
        <colgroup>
          {shown.map((c) => (
            <col key={c.id} style={{ width: widthOf(c) + "px" }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            {shown.map((c) => (
              <Heading key={c.id} column={c} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <OrderRow key={row.peek().id} row={row} shown={shown} cursor={cursor} selected={selected} />
          ))}
        </tbody>
      </table>
      {list.next.value && (
        <button type="button" class="more" disabled={list.loading.value} onClick={() => void list.more()}>
          {list.loading.value ? "Loading…" : "Show 100 more"}
        </button>
      )}
    </div>
  );
}

function Nothing() {
  const { query } = place.value;
  if ([...filtersOf(query)].length > 0) {
    return (
      <Empty text="No orders match these filters. New matching orders are counted above the list.">
        <a class="button" href={address("/")}>Show all orders</a>
      </Empty>
    );
  }
  return (
    <Empty text="There are no orders yet. They appear here once the platform posts its first notification.">
      <a class="button" href={address("/operations")}>Check whether notifications are accepted</a>
    </Empty>
  );
}

function Heading({ column, sort }: { column: Column; sort: string }) {
  const current = sort || "-received";
  const by = column.sort;
  const down = current === "-" + by;
  const up = current === by;
  return (
    <th scope="col" class={column.right ? "right" : ""} aria-sort={by ? (down ? "descending" : up ? "ascending" : "none") : undefined}>
      {by ? (
        <button type="button" class="sort" onClick={() => change({ sort: down ? by : "-" + by })}>
          {column.name}
          {(down || up) && <span aria-hidden="true">{down ? " ↓" : " ↑"}</span>}
        </button>
      ) : (
        column.name
      )}
      <Edge column={column} />
    </th>
  );
}

/** Edge resizes a column when it is dragged. */
function Edge({ column }: { column: Column }) {
  const from = useRef<{ x: number; width: number } | null>(null);
  return (
    <span class="edge" aria-hidden="true"
      onPointerDown={(e) => {
        e.preventDefault();
        e.currentTarget.setPointerCapture(e.pointerId);
        from.current = { x: e.clientX, width: widthOf(column) };
      }}
      onPointerMove={(e) => {
        if (!from.current) return;
        const width = Math.max(40, Math.round(from.current.width + e.clientX - from.current.x));
        widths.value = { ...widths.peek(), [column.id]: width };
      }}
      onPointerUp={() => (from.current = null)}
    />
  );
}

interface RowProps {
  row: Signal<Row>;
  shown: Column[];
  cursor: Signal<string | null>;
  selected: string | null;
}

function OrderRow({ row, shown, cursor, selected }: RowProps) {
  const { id, order, hits, left } = row.value;
  const open = (e: MouseEvent) => {
    if (e.metaKey || e.ctrlKey || e.shiftKey || !getSelection()!.isCollapsed) return; // the click opens another tab, or selects text
    cursor.value = id;
    change({ order: id }, place.peek().query.has("order"));
  };
  const classes = [left ? "left" : "", cursor.value === id ? "cursor" : ""].filter(Boolean).join(" ");
  return (
    <tr id={"row-" + id} class={classes} aria-selected={selected === id} title={left ? "No longer matches the filters" : undefined} onClick={open}>
      {shown.map((c, i) => {
        const hit = hits[c.id] ?? 0;
        return (
          <td key={c.id} data-column={c.id} data-name={c.name} class={[c.right ? "right" : "", hit ? "hit" + (hit % 2) : ""].filter(Boolean).join(" ")}>
            {i === 0 ? (
              <a class="row-link" href={address(orderPath(id))} onClick={(e) => {
                if (e.metaKey || e.ctrlKey || e.shiftKey) return;
                e.preventDefault();
                if (e.detail > 0) return; // a click opens the order beside the list, and Enter its own page
                e.stopPropagation();
                go(orderPath(id));
              }}>
                {c.show(order)}
                <span class="hidden"> {instrument(order)} {order.externalId ?? id}</span>
              </a>
            ) : (
              c.show(order)
            )}
          </td>
        );
      })}
    </tr>
  );
}

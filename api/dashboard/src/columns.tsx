// The columns of the list: their contents, and the user's choice, order and widths.
import type { ComponentChildren } from "preact";
import { Ago, Id, Num } from "./parts";
import { SeverityMark, StatusMark, words } from "./marks";
import { share } from "./digits";
import { Due, dueWords } from "./due";
import { kept } from "./settings";
import type { Order } from "./types";

export interface Column {
  id: string;
  name: string;
  width: number; // px
  right?: boolean;
  sort?: string; // sort parameter of the API, without the sign
  text: (o: Order) => string; // compared to detect a change
  show: (o: Order) => ComponentChildren;
}

const text = (v: string | null | undefined) => v ?? "";
const number = (id: string, name: string, of: (o: Order) => string | null | undefined, width = 124): Column => ({
  id, name, width, right: true, text: (o) => text(of(o)), show: (o) => <Num value={of(o)} />,
});
const id = (key: string, name: string, of: (o: Order) => string | null, width = 110): Column => ({
  id: key, name, width, text: (o) => text(of(o)), show: (o) => <Id value={of(o)} />,
});
const plain = (key: string, name: string, of: (o: Order) => string | null, width = 90): Column => ({
  id: key, name, width, text: (o) => text(of(o)), show: (o) => of(o),
});
const time = (key: string, name: string, of: (o: Order) => string | null, sort?: string): Column => ({
  id: key, name, width: 88, right: true, text: (o) => text(of(o)), show: (o) => <Ago at={of(o)} />, ...(sort ? { sort } : {}),
});

/** instrument returns the ISIN or symbol. */
export function instrument(o: Order): string | null {
  return o.isin ?? o.symbol;
}

/** Executed shows the executed quantity, and its share of the order as a thin bar. */
export function Executed({ order }: { order: Order }) {
  const part = share(order.executedQuantity, order.quantity) ?? share(order.executedAmount, order.amount);
  return (
    <span class="executed">
      <Num value={order.executedQuantity} />
      <svg class="thin" width="28" height="4" viewBox="0 0 28 4" aria-hidden="true">
        <rect width="28" height="4" rx="2" class="rail" />
        {part !== null && part > 0 && <rect width={28 * part} height="4" rx="2" class={part >= 1 ? "full" : "part"} />}
      </svg>
    </span>
  );
}

/** BreakMarks shows the breaks of an order. */
export function BreakMarks({ order }: { order: Order }) {
  if (order.breaks.length === 0) return null;
  return (
    <span class="breaks" title={order.breaks.map((b) => `${words(b.code)} (${b.severity}): ${b.rule}`).join("\n")}>
      {order.breaks.slice(0, 1).map((b) => (
        <SeverityMark severity={b.severity}>{words(b.code)}</SeverityMark>
      ))}
      {order.breaks.length > 1 && <span class="dim"> +{order.breaks.length - 1}</span>}
    </span>
  );
}

/** columns contains all columns, in the order in which they are offered. */
export const columns: Column[] = [
  { id: "status", name: "Status", width: 116, text: (o) => text(o.status), show: (o) => <StatusMark status={o.status} /> },
  time("received", "Notified", (o) => o.notifications.lastReceivedAt, "received"),
  { id: "side", name: "Side", width: 52, text: (o) => text(o.side), show: (o) => o.side && words(o.side) },
  id("instrument", "Instrument", instrument, 124),
  number("quantity", "Ordered", (o) => o.quantity ?? o.amount),
  { id: "executed", name: "Executed", width: 160, right: true, text: (o) => text(o.executedQuantity), show: (o) => <Executed order={o} /> },
  number("limitPrice", "Limit", (o) => o.limitPrice, 92),
  number("averagePrice", "Average price", (o) => o.averagePrice, 108),
  { id: "breaks", name: "Break", width: 160, text: (o) => o.breaks.map((b) => b.code).join(" "), show: (o) => <BreakMarks order={o} /> },
  { id: "dueOn", name: "Due", width: 140, sort: "due", text: (o) => dueWords(o.settlement) ?? "", show: (o) => <Due of={o.settlement} /> },
  id("externalId", "External id", (o) => o.externalId, 100),
  id("orderId", "Order", (o) => o.orderId, 108),
  number("executedAmount", "Executed amount", (o) => o.executedAmount, 124),
  number("stopPrice", "Stop", (o) => o.stopPrice, 84),
  plain("orderType", "Type", (o) => o.orderType && words(o.orderType), 74),
  plain("exchangeCode", "Exchange", (o) => o.exchangeCode, 76),
  plain("assetClass", "Asset class", (o) => o.assetClass && words(o.assetClass)),
  time("statusSince", "Status since", (o) => o.statusSince),
  time("modifiedOn", "Changed", (o) => o.modifiedOn, "modified"),
  time("createdOn", "Created", (o) => o.createdOn),
  time("expiryDate", "Expires", (o) => o.expiryDate),
  number("sequence", "Last record", (o) => o.notifications.lastSequence, 90),
  number("count", "Notifications", (o) => o.notifications.count, 90),
  number("duplicates", "Repeats", (o) => o.notifications.duplicates, 72),
  id("productIds", "Products", (o) => o.productIds.join(" "), 150),
  plain("message", "Message", (o) => o.message, 200),
];

const byId = new Map(columns.map((c) => [c.id, c]));
const usual = ["status", "received", "side", "instrument", "quantity", "executed", "limitPrice", "averagePrice", "breaks", "dueOn", "externalId", "orderId"];

const chosen = kept<string[]>("columns", usual);
export const widths = kept<Record<string, number>>("widths", {});

/** shownColumns returns the columns that the user chose, in that order. */
export function shownColumns(): Column[] {
  return chosen.value.map((c) => byId.get(c)).filter((c) => c !== undefined);
}

/** widthOf returns the width of a column in pixels. */
export function widthOf(c: Column): number {
  return widths.value[c.id] ?? c.width;
}

function move(idOf: string, by: number): void {
  const list = [...chosen.value];
  const at = list.indexOf(idOf);
  const to = at + by;
  if (at < 0 || to < 0 || to >= list.length) return;
  list.splice(at, 1);
  list.splice(to, 0, idOf);
  chosen.value = list;
}

/** ColumnChoice is the window in which the user chooses and orders columns. */
export function ColumnChoice() {
  const list = chosen.value;
  const rest = columns.filter((c) => !list.includes(c.id));
  const toggle = (c: Column, on: boolean) => (chosen.value = on ? [...list, c.id] : list.filter((x) => x !== c.id));
  return (
    <div class="choice">
      <p class="dim">Drag the edge of a heading to resize a column.</p>
      <ul>
        {shownColumns().map((c, i) => (
          <li>
            <label>
              <input type="checkbox" checked disabled={list.length === 1} onChange={() => toggle(c, false)} /> {c.name}
            </label>
            <button type="button" class="quiet small" disabled={i === 0} aria-label={`Move ${c.name} to the left`} onClick={() => move(c.id, -1)}>↑</button>
            <button type="button" class="quiet small" disabled={i === list.length - 1} aria-label={`Move ${c.name} to the right`} onClick={() => move(c.id, 1)}>↓</button>
          </li>
        ))}
        {rest.map((c) => (
          <li>
            <label>
              <input type="checkbox" onChange={() => toggle(c, true)} /> {c.name}
            </label>
          </li>
        ))}
      </ul>
      <button type="button" class="quiet" onClick={() => { chosen.value = usual; widths.value = {}; }}>
        Reset to default
      </button>
    </div>
  );
}

// Orders that should settle today and next, and overdue orders.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "./api";
import { instrument, Executed } from "./columns";
import { approximate, zero } from "./digits";
import { StatusMark } from "./marks";
import { Due, dayWords } from "./due";
import { Loading, Num, Trouble } from "./parts";
import { address, orderPath } from "./route";
import { stats, statusFault } from "./service";
import type { Digits, ListOrder, Settlements } from "./types";

const listed = 20; // orders shown of each kind; a link shows all

interface Kind {
  key: string;
  name: string;
  count: string | undefined;
  query: string;
  none: string; // text if there are none
}

function kinds(s: Settlements, by: Record<string, string>): Kind[] {
  const next = s.awaiting.find((d) => d.dueOn === s.nextSettlementDay)?.orders ?? "0";
  return [
    { key: "overdue", name: "Overdue", count: by.overdue, query: "settlement=overdue&sort=due", none: "No orders are overdue." },
    { key: "today", name: "Due today", count: by.due, query: "settlement=due&sort=due", none: "No orders are due today." },
    { key: "next", name: "Due " + nextWords(s), count: next, query: `settlement=pending&dueOn=${s.nextSettlementDay}&sort=due`, none: "No orders are due on the next settlement day." },
  ];
}

/** nextWords names the next settlement day, "tomorrow" if it is. */
function nextWords(s: Settlements): string {
  return Date.parse(s.nextSettlementDay) - Date.parse(s.today) === 86_400_000 ? "tomorrow" : "on " + dayWords(s.nextSettlementDay);
}

/** Settlement is the screen. */
export default function Settlement() {
  const s = stats.value?.settlement;
  if (!s) {
    return (
      <main class="page" id="main">
        <h1>Settlement</h1>
        {statusFault.value ? <Trouble error={statusFault.value} what="The settlement overview" /> : <Loading what="the settlement overview" />}
      </main>
    );
  }
  const all = kinds(s, stats.value!.bySettlement);
  // A change of the counts or the day shows that the lists changed.
  const version = JSON.stringify([s, stats.value!.bySettlement]);
  return (
    <main class="page" id="main">
      <h1>Settlement</h1>
      <p class="dim">
        Today, {dayWords(s.today)} in Berlin. {s.oldestDueOn === null ? "Nothing is overdue." : <>Overdue since {dayWords(s.oldestDueOn)}, which is {days(s.oldestOverdueDays)} ago.</>}
      </p>
      <ul class="tiles">
        {all.map((k) => (
          <li key={k.key} class={k.key === "overdue" && !zero(k.count) ? "bad" : ""}>
            <a href={address("/", new URLSearchParams(k.query))}>
              <strong><Num value={k.count ?? "0"} /></strong> {k.name}
            </a>
          </li>
        ))}
      </ul>
      <Days of={s} />
      {all.map((k) => (
        <Orders key={k.key} kind={k} version={version} />
      ))}
    </main>
  );
}

function days(n: string): string {
  return n === "1" ? "1 settlement day" : n + " settlement days";
}

/** Days shows the orders awaiting settlement by due day, as bars. */
function Days({ of: s }: { of: Settlements }) {
  const most = Math.max(1, approximate(s.awaitingEarlier), ...s.awaiting.map((d) => approximate(d.orders)));
  if (s.awaiting.length === 0) return null;
  return (
    <section aria-label="By day">
      <h2>Not settled, by due day</h2>
      <table class="small bars">
        <thead>
          <tr>
            <th scope="col">Due</th>
            <th scope="col" class="right">Orders</th>
            <th scope="col"><span class="hidden">Share of the busiest day</span></th>
          </tr>
        </thead>
        <tbody>
          {!zero(s.awaitingEarlier) && <Bar name="Earlier" query={`settlement=overdue&dueUntil=${before(s.awaiting[0]!.dueOn)}&sort=due`} orders={s.awaitingEarlier} most={most} tone="overdue" />}
          {s.awaiting.map((d) => (
            <Bar key={d.dueOn} name={dayWords(d.dueOn)} query={`settlement=overdue&settlement=due&settlement=pending&dueOn=${d.dueOn}`} orders={d.orders} most={most}
              tone={d.dueOn < s.today ? "overdue" : d.dueOn === s.today ? "due" : "pending"} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

const toneWords = { overdue: "overdue", due: "today", pending: "" };

function Bar({ name, query, orders, most, tone }: { name: string; query: string; orders: Digits; most: number; tone: "overdue" | "due" | "pending" }) {
  return (
    <tr class={"tone-" + tone}>
      <th scope="row">
        {name} {toneWords[tone] && <span class="word">{toneWords[tone]}</span>}
      </th>
      <td class="right"><a href={address("/", new URLSearchParams(query))}><Num value={orders} /></a></td>
      <td class="beside">
        <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
          <rect width={Math.max(0.5, (100 * approximate(orders)) / most)} height="8" />
        </svg>
      </td>
    </tr>
  );
}

/** before returns the previous day. */
function before(day: string): string {
  return new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10);
}

/** Orders lists the first orders of a kind, earliest due first. */
function Orders({ kind, version }: { kind: Kind; version: string }) {
  const page = useSignal<ListOrder | null>(null);
  const fault = useSignal<unknown>(null);
  async function load() {
    try {
      page.value = (await ask<ListOrder>(`/v1/orders?${kind.query}&limit=${listed}`)).body;
      fault.value = null;
    } catch (error) {
      fault.value = error;
    }
  }
  useEffect(() => void load(), [kind.query, version]);
  return (
    <section aria-label={kind.name}>
      <h2>{kind.name}</h2>
      {fault.value ? <Trouble error={fault.value} what="The list" again={() => void load()} /> : page.value === null ? <Loading what="orders" /> : page.value.data.length === 0 ? (
        <p class="dim">{kind.none} <a href={address("/", new URLSearchParams("open=false&final=false"))}>Show all orders that await settlement</a></p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={kind.name + ", a table that scrolls"}>
          <table class="settling cards">
            <thead>
              <tr>
                <th scope="col">Due</th>
                <th scope="col">Status</th>
                <th scope="col">Instrument</th>
                <th scope="col" class="right">Executed</th>
                <th scope="col" class="right">Amount</th>
                <th scope="col">Order</th>
              </tr>
            </thead>
            <tbody>
              {page.value.data.map((o) => (
                <tr key={o.orderId}>
                  <td data-name="Due"><Due of={o.settlement} /></td>
                  <td data-name="Status"><StatusMark status={o.status} /></td>
                  <td data-name="Instrument"><span class="mono">{instrument(o)}</span></td>
                  <td data-name="Executed" class="right"><Executed order={o} /></td>
                  <td data-name="Amount" class="right"><Num value={o.executedAmount} /></td>
                  <td data-name="Order"><a class="id" href={address(orderPath(o.orderId))}>{o.externalId ?? o.orderId}</a></td>
                </tr>
              ))}
            </tbody>
          </table>
          {page.value.nextCursor !== null && (
            <p><a class="button" href={address("/", new URLSearchParams(kind.query))}>Show all</a></p>
          )}
        </div>
      )}
    </section>
  );
}

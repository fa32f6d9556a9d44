// The common parts of the panel beside the list and the page of an order.
import { instrument } from "./columns";
import { approximate, share } from "./digits";
import { dueWords } from "./due";
import { SeverityMark, words } from "./marks";
import { At, Copy, Num } from "./parts";
import { address, orderPath } from "./route";
import type { ComponentChildren } from "preact";
import type { Break, Order } from "./types";

/** Bar shows the executed share of the order. */
export function Bar({ order: o }: { order: Order }) {
  const byMoney = o.quantity === null && o.amount !== null;
  const [done, all] = byMoney ? [o.executedAmount, o.amount] : [o.executedQuantity, o.quantity];
  const part = share(done, all);
  return (
    <div class="executed-bar">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={part === null ? "Executed part unknown" : `${Math.round(part * 100)} % executed`}>
        <rect width="100" height="6" class="rail" />
        {part !== null && <rect width={100 * part} height="6" class={part >= 1 ? "full" : "part"} />}
      </svg>
      <p>
        {done === null ? nothingIsKnown(o) : <Num value={done} />} <span class="dim">of</span> <Num value={all} none="an unknown quantity" />{" "}
        <span class="dim">{byMoney ? "executed, in money" : "executed"}</span>
        {part !== null && <span class="dim"> · {Math.floor(part * 100)} %</span>}
      </p>
    </div>
  );
}

/** nothingIsKnown returns the word for a missing executed quantity, which is unknown for a filled order. */
function nothingIsKnown(o: Order): string {
  return o.status === "FILLED" || o.status === "PARTIALLY_FILLED" || o.status === "SETTLED" ? "Unknown" : "Nothing";
}

/** Field is a name and a value. */
export interface Field {
  name: string;
  text: string | null; // exact, as sent; compared to find differences
  show: ComponentChildren;
}

const plain = (name: string, text: string | null): Field => ({ name, text, show: text });
const number = (name: string, text: string | null): Field => ({ name, text, show: text === null ? null : <Num value={text} /> });
const mono = (name: string, text: string | null): Field => ({ name, text, show: text === null ? null : <span class="mono">{text}</span> });
const moment = (name: string, text: string | null): Field => ({ name, text, show: text === null ? null : <At at={text} /> });

/** fieldsOf returns the fields of an order. */
export function fieldsOf(o: Order): Field[] {
  return [
    { name: "Order", text: o.orderId, show: <span class="mono">{o.orderId} <Copy text={o.orderId} what="the order's id" /></span> },
    mono("External id", o.externalId),
    plain("Status", o.status === null ? null : words(o.status)),
    moment("Status since", o.statusSince),
    plain("Traded on", o.settlement?.tradeDate ?? null),
    plain("Due", dueWords(o.settlement)),
    plain("Side", o.side && words(o.side)),
    mono("Instrument", instrument(o)),
    plain("Asset class", o.assetClass && words(o.assetClass)),
    plain("Type", o.orderType && words(o.orderType)),
    plain("Exchange", o.exchangeCode),
    number("Ordered", o.quantity),
    number("Ordered amount", o.amount),
    number("Limit", o.limitPrice),
    number("Stop", o.stopPrice),
    number("Executed", o.executedQuantity),
    number("Executed amount", o.executedAmount),
    number("Average price", o.averagePrice),
    number("Reported price", o.executionPrice),
    moment("Created", o.createdOn),
    moment("Changed", o.modifiedOn),
    moment("Expires", o.expiryDate),
    { name: "Products", text: o.productIds.join(" ") || null, show: o.productIds.length === 0 ? null : o.productIds.map((id) => <div class="mono">{id}</div>) },
    plain("Message", o.message),
  ];
}

/** Fields shows the fields that have a value. */
export function Fields({ order, short }: { order: Order; short?: boolean }) {
  const leftOut = new Set(short ? ["Status", "Side", "Instrument"] : ["Status"]);
  return (
    <dl class="fields">
      {fieldsOf(order).filter((f) => f.text !== null && !leftOut.has(f.name)).map((f) => (
        <>
          <dt>{f.name}</dt>
          <dd>{f.show}</dd>
        </>
      ))}
      <dt>Notifications</dt>
      <dd>
        {order.notifications.count}
        {order.notifications.duplicates !== "0" && <span class="dim">, including {order.notifications.duplicates} {order.notifications.duplicates === "1" ? "repeat" : "repeats"}</span>}
        <span class="dim">, last {<At at={order.notifications.lastReceivedAt} />}</span>
      </dd>
    </dl>
  );
}

/** Breaks shows the breaks of an order, with the notifications that prove them. */
export function BreakList({ order, choose }: { order: Order; choose?: (sequence: string) => void }) {
  return (
    <ul class="break-list">
      {order.breaks.map((b) => (
        <li class={"grade-" + b.severity} key={b.code}>
          <SeverityMark severity={b.severity}>
            <strong>{words(b.code)}</strong>
          </SeverityMark>
          <p>{b.rule}</p>
          <p class="dim">
            Since <At at={b.openedAt} />. Shown by <Evidence of={b} id={order.orderId} choose={choose} />
          </p>
        </li>
      ))}
    </ul>
  );
}

/** Evidence links to the notifications that show a break. */
export function Evidence({ of, id, choose }: { of: Pick<Break, "sequences">; id: string; choose?: ((sequence: string) => void) | undefined }) {
  return (
    <span>
      {of.sequences.map((s, i) => (
        <>
          {i > 0 && ", "}
          <a href={address(orderPath(id), new URLSearchParams({ at: s }))} onClick={(e) => {
            if (!choose || e.metaKey || e.ctrlKey) return;
            e.preventDefault();
            choose(s);
          }}>
            {s}
          </a>
        </>
      ))}
    </span>
  );
}

/** Asked shows the requests to the platform about the order. */
export function Asked({ order }: { order: Order }) {
  const a = order.asked;
  if (a === null) return <p class="dim">The platform was not asked about this order.</p>;
  const reasons: Record<string, string> = { new: "the order is new", break: "the order contradicts itself", quiet: "the order was quiet for too long" };
  switch (a.state) {
    case "asked":
      return <p>The platform answered <At at={a.at} />{a.sequence !== null && <>, which is record <Evidence of={{ sequences: [a.sequence] }} id={order.orderId} /></>}.</p>;
    case "pending":
      return <p>A request to the platform has been due since <At at={a.at} />{a.reason && <>, because {reasons[a.reason]}</>}.{approximate(a.attempts) > 0 && <> {a.attempts} {a.attempts === "1" ? "attempt" : "attempts"} failed{a.error && <>: {a.error}</>}.</>}</p>;
    default:
      return <p>Orderfold gave up <At at={a.at} />: the platform does not have the order, or its answers cannot be used{a.error && <> ({a.error})</>}. It asks again after the next notification.</p>;
  }
}

/** Refusals lists the requests about the order that the platform refused. */
export function Refusals({ order }: { order: Order }) {
  return (
    <ul class="refusals">
      {order.refusals.map((r) => (
        <li>
          <span class="dim"><At at={r.at} /></span> <strong>{words(r.errorType)}</strong> {r.description}
        </li>
      ))}
    </ul>
  );
}

// One sentence about the state of an order, and the reason.
import type { ComponentChildren } from "preact";
import { instrument } from "./columns";
import { same, zero } from "./digits";
import { dayWords } from "./due";
import { statusWord } from "./marks";
import { Num, At } from "./parts";
import type { Explanation, Order } from "./types";

/** Ordered describes the order itself: "Buy 699 US0378331005 at 188.974 or better on XFRA". */
export function Ordered({ order: o }: { order: Order }) {
  const side = o.side === "BUY" ? "Buy" : o.side === "SELL" ? "Sell" : "Trade";
  const size = o.quantity !== null ? <Num value={o.quantity} /> : o.amount !== null ? <>for <Num value={o.amount} /></> : "an unknown quantity of";
  return (
    <>
      {side} {size} <span class="mono">{instrument(o) ?? "an unknown instrument"}</span>
      {o.limitPrice !== null && <> at <Num value={o.limitPrice} /> or better</>}
      {o.stopPrice !== null && <>, once <Num value={o.stopPrice} /> is touched</>}
      {o.exchangeCode !== null && <> on {o.exchangeCode}</>}
    </>
  );
}

/** Sentence describes the order's state, how much is executed, and which notification decides. */
export function Sentence({ order: o, explanation }: { order: Order; explanation: Explanation | null }) {
  return (
    <p class="sentence">
      <Ordered order={o} />: <strong>{o.status === null ? "its status is unknown" : statusWord(o.status).toLowerCase()}</strong>
      {o.statusSince !== null && <> since <At at={o.statusSince} /></>}
      {executed(o)}
      {reason(explanation)}
      {outlook(o)}
    </p>
  );
}

function executed(o: Order): ComponentChildren {
  if (o.executedQuantity === null || zero(o.executedQuantity)) return o.open ? ", nothing executed yet" : o.status === "FILLED" || o.status === "SETTLED" ? "" : ", nothing executed";
  const all = o.quantity !== null && same(o.executedQuantity, o.quantity);
  return (
    <>
      , {all ? "all of it executed" : <><Num value={o.executedQuantity} />{o.quantity !== null && <> of <Num value={o.quantity} /></>} executed</>}
      {o.averagePrice !== null && <> at <Num value={o.averagePrice} /> on average</>}
    </>
  );
}

function reason(e: Explanation | null): ComponentChildren {
  if (!e || e.decidedBy === null) return null;
  const fact = e.facts.find((f) => f.sequence === e.decidedBy);
  return <>, because {fact?.kind === "fetched" ? "the platform returned this status when it was asked" : "the platform reported it"} (record {e.decidedBy})</>;
}

function outlook(o: Order): string {
  if (o.open) return ". It can still trade.";
  if (o.final) return ". Nothing more is expected.";
  const s = o.settlement;
  if (s === null || s.dueOn === null) return ". It can no longer trade and awaits settlement.";
  return s.state === "overdue" ? `. It should have settled on ${dayWords(s.dueOn)} and has not.` : s.state === "due" ? ". It should settle today." : `. It should settle on ${dayWords(s.dueOn)}.`;
}

import { useEffect, useMemo } from "preact/hooks";
import { bind } from "./keys";
import { Life } from "./history";
import { SeverityMark, StatusMark, words } from "./marks";
import { Asked, Bar, BreakList, Fields, Refusals } from "./orderparts";
import { Ago, Empty, Loading, Num, Trouble } from "./parts";
import { Moment } from "./moment";
import { address, change, place } from "./route";
import { Sentence } from "./sentence";
import { StreamBanner } from "./streambanner";
import { Rails } from "./timeline";
import { Fault } from "./api";
import type { HistoryEntry, Order as OrderView } from "./types";

/** Order is the page of an order: its state, the reason, and its history. */
export default function Order({ id }: { id: string }) {
  const life = useMemo(() => new Life(id), [id]);
  useEffect(() => () => life.close(), [life]);
  const at = place.value.query.get("at");
  const entries = life.entries.value;
  const chosen = entries.find((e) => e.sequence === at) ?? entries.at(-1);
  const choose = (sequence: string) => change({ at: sequence }, true);

  useEffect(() => {
    const step = (by: number) => {
      const i = entries.findIndex((e) => e === chosen) + by;
      if (entries[i]) choose(entries[i].sequence);
    };
    return bind({ j: () => step(1), k: () => step(-1), Escape: () => (history.length > 1 ? history.back() : undefined) });
  }, [entries, chosen]);

  const o = life.order.value;
  if (life.fault.value && !o) return <Missing error={life.fault.value} id={id} again={() => void life.load()} />;
  if (!o) return <main class="page" id="main"><Loading what="the order" /></main>;
  return (
    <main class="page order" id="main">
      <StreamBanner stream={life.stream} />
      <header class="order-head">
        <h1>
          <StatusMark status={o.status} /> <span class="mono">{o.externalId ?? o.orderId.slice(0, 8)}</span>
        </h1>
        <Sentence order={o} explanation={life.explanation.value} />
        <Bar order={o} />
      </header>
      <div class="columns">
        <div>
          {o.breaks.length > 0 && (
            <section>
              <h2>Breaks</h2>
              <BreakList order={o} choose={choose} />
            </section>
          )}
          <section>
            <h2>Details</h2>
            <Fields order={o} />
          </section>
          {o.executions.length > 0 && <Executions order={o} />}
          {o.refusals.length > 0 && (
            <section>
              <h2>Refused requests</h2>
              <Refusals order={o} />
            </section>
          )}
          <section>
            <h2>Requests to the platform</h2>
            <Asked order={o} />
          </section>
        </div>
        <div>
          <section>
            <h2>History</h2>
            {life.fault.value && entries.length === 0 && <Trouble error={life.fault.value} what="The history" again={() => void life.load()} />}
            {entries.length > 0 && <Rails entries={entries} order={o} chosen={chosen} choose={choose} />}
            {life.cut.value && <p class="dim">Not all notifications are shown; the command <code>orderfold order</code> prints all of them.</p>}
            {chosen && <Moment life={life} entries={entries} chosen={chosen} choose={choose} />}
            {entries.length > 0 && <History entries={entries} order={o} chosen={chosen} choose={choose} />}
          </section>
        </div>
      </div>
    </main>
  );
}

function Missing({ error, id, again }: { error: unknown; id: string; again: () => void }) {
  if (error instanceof Fault && error.code === "not-found") {
    return (
      <main class="page" id="main">
        <h1 class="hidden">Order</h1>
        <Empty text={`There is no order with the id ${id}.`}>
          <a class="button" href={address("/")}>Show all orders</a>
        </Empty>
      </main>
    );
  }
  return <main class="page" id="main"><Trouble error={error} what="The order" again={again} /></main>;
}

function Executions({ order }: { order: OrderView }) {
  return (
    <section>
      <h2>Executions</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Executions">
        <table class="small">
          <thead>
            <tr>
              <th scope="col">Id</th>
              <th scope="col" class="right">Quantity</th>
              <th scope="col" class="right">Price</th>
              <th scope="col" class="right">Amount</th>
            </tr>
          </thead>
          <tbody>
            {order.executions.map((e) => (
              <tr>
                <td><span class="id">{e.id}</span></td>
                <td class="right"><Num value={e.quantity} none="–" /></td>
                <td class="right"><Num value={e.price} none="–" /></td>
                <td class="right"><Num value={e.amount} none="–" /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface HistoryProps {
  entries: readonly HistoryEntry[];
  order: OrderView;
  chosen: HistoryEntry | undefined;
  choose: (sequence: string) => void;
}

/** evidence returns the highest severity of the breaks to whose evidence a notification belongs. */
export function evidence(order: OrderView, sequence: string): string | null {
  const of = order.breaks.filter((b) => b.sequences.some((s) => s === sequence));
  return of.length === 0 ? null : of.some((b) => b.severity === "high") ? "high" : "warn";
}

/** History lists the notifications, in the order of arrival. */
function History({ entries, order, chosen, choose }: HistoryProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Notifications of the order">
      <table class="small history">
        <thead>
          <tr>
            <th scope="col" class="right">Record</th>
            <th scope="col">Received</th>
            <th scope="col">Reported</th>
            <th scope="col" class="right">Executed</th>
            <th scope="col">Effect</th>
            <th scope="col">Status after</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((e) => {
            const grade = evidence(order, e.sequence);
            return (
              <tr key={e.sequence} aria-selected={e === chosen} class={"effect-" + e.effect} onClick={() => getSelection()!.isCollapsed && choose(e.sequence)}>
                <td class="right">
                  {grade && <SeverityMark severity={grade} />} <button type="button" class="link num" onClick={() => choose(e.sequence)}>{e.sequence}</button>
                </td>
                <td><Ago at={e.receivedAt} /></td>
                <td>{e.status ? words(e.status) : e.effect === "lost" ? "–" : "no status"}{e.kind === "fetched" && <span class="dim"> (fetched)</span>}</td>
                <td class="right"><Num value={e.executed} none="–" /></td>
                <td title={e.rule}>{e.effect}</td>
                <td><StatusMark status={e.statusAfter} /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ask } from "./api";
import type { Orders } from "./list";
import { StatusMark } from "./marks";
import { Asked, Bar, BreakList, Fields, Refusals } from "./orderparts";
import { Loading, Trouble } from "./parts";
import { address, change, orderPath } from "./route";
import { Sentence } from "./sentence";
import type { Explanation, Order } from "./types";

/** Panel shows an order beside the list. */
export function Panel({ id, list }: { id: string; list: Orders }) {
  const order = useSignal<Order | null>(null);
  const explanation = useSignal<Explanation | null>(null);
  const fault = useSignal<unknown>(null);
  // The row of the list shows when the order has changed.
  const row = list.rows.value.find((r) => r.peek().id === id);
  const version = row?.value.order.notifications.lastSequence ?? "";
  const asked = useRef(0);

  async function load() {
    const mine = ++asked.current;
    const path = "/v1/orders/" + encodeURIComponent(id);
    try {
      const [o, e] = await Promise.all([ask<Order>(path), ask<Explanation>(path + "/explain")]);
      if (mine !== asked.current) return;
      order.value = o.body;
      explanation.value = e.body;
      fault.value = null;
    } catch (error) {
      if (mine === asked.current) fault.value = error;
    }
  }
  useEffect(() => void load(), [id, version]);

  const o = order.value;
  return (
    <aside class="panel" aria-label="Order">
      <div class="panel-head">
        {o && <StatusMark status={o.status} />}
        <span class="spring" />
        <a class="button" href={address(orderPath(id))}>
          Open <kbd>Enter</kbd>
        </a>
        <button type="button" aria-label="Close" title="Close (Esc)" onClick={() => change({ order: null })}>
          ×
        </button>
      </div>
      {fault.value && !o ? (
        <Trouble error={fault.value} what="The order" again={() => void load()} />
      ) : !o ? (
        <Loading what="the order" />
      ) : (
        <>
          <Sentence order={o} explanation={explanation.value} />
          <Bar order={o} />
          {o.breaks.length > 0 && <BreakList order={o} />}
          <Fields order={o} short />
          {o.refusals.length > 0 && (
            <>
              <h2>Refused requests</h2>
              <Refusals order={o} />
            </>
          )}
          <h2>Requests to the platform</h2>
          <Asked order={o} />
        </>
      )}
    </aside>
  );
}

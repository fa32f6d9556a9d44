// The notifications of an order, and its state after each.
import { signal } from "@preact/signals";
import { Fault, ask } from "./api";
import { Stream } from "./stream";
import { orderOf } from "./list";
import type { Explanation, HistoryEntry, ListHistoryEntry, Order } from "./types";

const most = 2000; // entries shown

/** Life is an order with its notifications, kept up to date. */
export class Life {
  readonly order = signal<Order | null>(null);
  readonly explanation = signal<Explanation | null>(null);
  readonly entries = signal<readonly HistoryEntry[]>([]);
  readonly cut = signal(false); // there are more entries than shown
  readonly fault = signal<unknown>(null);
  readonly stream = signal<Stream | null>(null);

  private states = new Map<string, Promise<Order>>();
  private round = 0;
  private timer = 0;
  private readonly path: string;

  constructor(readonly id: string) {
    this.path = "/v1/orders/" + encodeURIComponent(id);
    void this.load();
  }

  close(): void {
    this.round++;
    clearTimeout(this.timer);
    this.stream.peek()?.close();
  }

  async load(): Promise<void> {
    const mine = ++this.round;
    let known: Order | null = null;
    try {
      const { body: order, sequence } = await ask<Order>(this.path);
      known = order;
      const [entries, explanation] = await Promise.all([this.history(), ask<Explanation>(this.path + "/explain")]);
      if (mine !== this.round) return;
      this.order.value = order;
      this.entries.value = entries;
      this.explanation.value = explanation.body;
      this.fault.value = null;
      if (!this.stream.peek()) this.follow(sequence ?? "0");
    } catch (error) {
      if (mine !== this.round) return;
      if (known) this.order.value = known; // if the log does not answer, only the notifications are missing
      this.fault.value = error;
      const passes = error instanceof Fault && (error.status === 0 || error.status >= 500 || error.status === 429);
      if (passes) this.timer = setTimeout(() => void this.load(), 3000);
    }
  }

  private async history(): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query: string = cursor === "" ? "?limit=500" : "?limit=500&cursor=" + encodeURIComponent(cursor);
      const { body }: { body: ListHistoryEntry } = await ask<ListHistoryEntry>(this.path + "/history" + query);
      entries.push(...body.data);
      cursor = entries.length >= most ? null : body.nextCursor;
      this.cut.value = cursor === null && body.nextCursor !== null;
    }
    return entries;
  }

  private follow(after: string): void {
    if (this.id.length < 4) return; // too short for the filter
    this.stream.value = new Stream(new URLSearchParams({ idPrefix: this.id }), after, {
      event: (name, data) => {
        if (name === "resync") this.states.clear();
        if (name === "resync" || (name === "order" && orderOf(data) === this.id)) this.soon();
      },
    });
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), 200);
  }

  /** asOf returns the order as of a record. */
  asOf(sequence: string): Promise<Order> {
    let state = this.states.get(sequence);
    if (!state) {
      state = ask<Order>(`${this.path}?asOfSequence=${sequence}`).then((a) => a.body);
      state.catch(() => this.states.delete(sequence));
      this.states.set(sequence, state);
      if (this.states.size > 200) this.states.delete(this.states.keys().next().value!);
    }
    return state;
  }
}

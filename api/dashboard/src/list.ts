// The list of orders, kept up to date by the stream. A row stays in its place; new rows wait until the user loads them.
import { batch, effect, signal, type Signal } from "@preact/signals";
import { Fault, ask } from "./api";
import { columns } from "./columns";
import { parse } from "./json";
import { stats } from "./service";
import { Stream, every } from "./stream";
import type { Digits, ListOrder, Order, StreamDay, StreamOrder } from "./types";

/** Row is an order in the list. */
export interface Row {
  id: string;
  order: Order;
  /** hits counts the shown changes of each column, to highlight the last one. */
  hits: Readonly<Record<string, number>>;
  /** left reports that the order no longer matches the filters. */
  left: boolean;
}

const pageSize = 100;
const most = 1000; // maximum number of rows, and of waiting orders; bounds the memory of a page that is open all day
const mostAnswers = 20; // maximum number of requests for one page
const head = '{"order":{"orderId":"';

/** Orders is a list with its filters and sort. */
export class Orders {
  readonly rows = signal<readonly Signal<Row>[]>([]);
  readonly fault = signal<unknown>(null);
  readonly loading = signal(true);
  readonly next = signal<string | null>(null);
  /** fresh is the number of new or changed orders that the list does not show. */
  readonly fresh = signal(0);
  readonly paused = signal(false);
  /** held is the number of rows that changed while the list was paused. */
  readonly held = signal(0);
  readonly stream = signal<Stream | null>(null);

  private byId = new Map<string, Signal<Row>>();
  private waiting = new Set<string>();
  private pending = new Map<string, StreamOrder>();
  private timer = 0;
  private round = 0;
  private day = ""; // in Berlin, when the list was read; "": unknown
  private stopPause: () => void;

  constructor(
    private readonly filters: URLSearchParams,
    private readonly sort: string,
  ) {
    this.stopPause = effect(() => {
      if (!this.paused.value) this.schedule();
    });
    void this.load();
  }

  close(): void {
    this.round++;
    this.stopPause();
    clearTimeout(this.timer);
    this.stream.peek()?.close();
  }

  /**
   * page reads a page of orders from a cursor. The service examines a limited number of orders for one answer, so an answer may contain
   * few orders. Then page requests the next one.
   */
  private async page(cursor: string | null): Promise<{ body: ListOrder; sequence: Digits | null }> {
    const first = await ask<ListOrder>(this.query(cursor));
    const data = [...first.body.data];
    let next = first.body.nextCursor;
    for (let more = 0; next !== null && data.length < pageSize && more < mostAnswers; more++) {
      const { body } = await ask<ListOrder>(this.query(next));
      data.push(...body.data);
      next = body.nextCursor;
    }
    return { body: { data, nextCursor: next }, sequence: first.sequence };
  }

  private query(cursor: string | null): string {
    const query = new URLSearchParams(this.filters);
    query.set("limit", String(pageSize));
    if (this.sort) query.set("sort", this.sort);
    if (cursor) query.set("cursor", cursor);
    return "/v1/orders?" + query;
  }

  /** load reads the list again, and follows the changes after it. */
  async load(): Promise<void> {
    const mine = ++this.round;
    this.loading.value = true;
    try {
      const { body, sequence } = await this.page(null);
      if (mine !== this.round) return;
      const today = stats.peek()?.settlement.today ?? "";
      if (today > this.day) this.day = today;
      this.stream.peek()?.close();
      this.waiting.clear();
      this.pending.clear();
      batch(() => {
        this.fresh.value = 0;
        this.held.value = 0;
        this.fault.value = null;
        this.replace(body);
        this.stream.value = new Stream(this.filters, sequence ?? "0", { event: (name, data, id) => this.heard(name, data, id !== "") });
      });
    } catch (error) {
      if (mine === this.round) this.fail(error);
    }
    if (mine === this.round) this.loading.value = false;
  }

  private fail(error: unknown): void {
    if (error instanceof Fault && error.status === 401) return;
    this.fault.value = error;
    if (!(error instanceof Fault) || error.status === 0 || error.status >= 500 || error.status === 429) {
      const mine = this.round;
      setTimeout(() => mine === this.round && void this.load(), Math.max(2000, error instanceof Fault ? error.retryAfter * 1000 : 0));
    }
  }

  private replace(body: ListOrder): void {
    // An existing order keeps its signal, and so its row in the page.
    const old = this.byId;
    this.byId = new Map();
    this.rows.value = body.data.map((order) => this.add(order, old));
    this.next.value = body.nextCursor;
  }

  private add(order: Order, old?: Map<string, Signal<Row>>): Signal<Row> {
    const row = { id: order.orderId, order, hits: {}, left: false };
    const known = old?.get(order.orderId);
    if (known) known.value = row;
    const s = known ?? signal<Row>(row);
    this.byId.set(order.orderId, s);
    return s;
  }

  /** more appends the next page. */
  async more(): Promise<void> {
    const cursor = this.next.peek();
    const mine = this.round;
    if (!cursor || this.loading.peek()) return;
    this.loading.value = true;
    try {
      const { body } = await this.page(cursor);
      if (mine !== this.round) return;
      const added = body.data.filter((o) => !this.byId.has(o.orderId)).map((o) => this.add(o));
      batch(() => {
        this.rows.value = [...this.rows.peek(), ...added];
        this.next.value = this.rows.peek().length >= most ? null : body.nextCursor;
      });
    } catch (error) {
      if (mine === this.round) this.fault.value = error;
    }
    this.loading.value = false;
  }

  /** heard handles an event. Changes due to a new day do not count as new, because the list is read again. */
  private heard(name: string, data: string, news: boolean): void {
    if (name === "resync") void this.load();
    if (name === "day") this.newDay(parse<StreamDay>(data).today);
    if (name !== "order") return;
    const id = orderOf(data);
    if (this.byId.has(id)) {
      this.pending.set(id, parse<StreamOrder>(data));
    } else if (data.endsWith('"matches":false}')) {
      this.waiting.delete(id);
    } else if (news && this.waiting.size < most) {
      this.waiting.add(id);
    }
    this.schedule();
  }

  /** newDay reads the list again if a day began since it was read, because overdueDays changed. A resumed stream may repeat the event. */
  private newDay(today: string): void {
    const before = this.day;
    this.day = today;
    if (before !== "" && before < today) void this.load();
  }

  private schedule(): void {
    if (!this.timer) this.timer = setTimeout(() => this.flush(), every);
  }

  private flush(): void {
    this.timer = 0;
    batch(() => {
      this.fresh.value = this.waiting.size;
      if (this.paused.peek()) {
        this.held.value = this.pending.size;
        return;
      }
      this.held.value = 0;
      for (const [id, change] of this.pending) {
        const row = this.byId.get(id);
        if (row) row.value = changed(row.peek(), change);
      }
      this.pending.clear();
    });
  }

  /** full reports whether a count has reached its maximum. */
  static full(n: number): boolean {
    return n >= most;
  }
}

/** orderOf returns the order id of an event without parsing the rest, because most events are about orders that no row shows. */
export function orderOf(data: string): string {
  if (data.startsWith(head)) {
    const id = data.slice(head.length, data.indexOf('"', head.length));
    if (!id.includes("\\")) return id;
  }
  return parse<StreamOrder>(data).order.orderId;
}

/** changed returns the row after a change. Cells with the same text are not highlighted. */
function changed(row: Row, change: StreamOrder): Row {
  const hits: Record<string, number> = { ...row.hits };
  for (const c of columns) if (c.text(row.order) !== c.text(change.order)) hits[c.id] = (hits[c.id] ?? 0) + 1;
  return { id: row.id, order: change.order, hits, left: !change.matches };
}


// The stream of changes, read with fetch: EventSource could not send a key.
import { signal, type Signal } from "@preact/signals";
import { Fault, checked, heard, send, signedOut } from "./api";

/** Link is the state of a stream. */
export type Link = { state: "opening" | "open" | "resting" } | { state: "cut"; until: number };

export interface Listener {
  /** event is called for each event. The data is JSON that is not parsed yet. An order event has no id if the order became due or overdue at midnight. */
  event(name: string, data: string, id: string): void;
}

/** every is the time between two updates of a page; changes that come faster gather in the service. */
export const every = 250; // ms

const silence = 40_000; // ms without an event after which the stream is reopened; a heartbeat comes every 15 s
const shortest = 500;
const longest = 15_000;

const hiddenFor = 5_000; // ms after which the stream of a hidden page is closed

/**
 * Stream follows the changes until it is closed. After an interruption it resumes after the last event. It is not open while the page is
 * hidden, because a browser has six connections to a service for all of its tabs, and hidden tabs must not use all of them.
 */
export class Stream {
  readonly link: Signal<Link> = signal<Link>({ state: "opening" });
  private last: string;
  private closed = false;
  private pause = shortest;
  private abort = new AbortController();
  private timer = 0;

  constructor(
    private readonly query: URLSearchParams,
    after: string,
    private readonly listener: Listener,
  ) {
    this.last = after;
    document.addEventListener("visibilitychange", this.seen);
    if (document.hidden) this.link.value = { state: "resting" };
    else void this.follow();
  }

  private seen = () => {
    clearTimeout(this.timer);
    const { state } = this.link.peek();
    if (document.hidden) this.timer = setTimeout(() => this.rest(), hiddenFor);
    else if (state === "resting" || state === "cut") void this.follow();
  };

  private rest(): void {
    this.link.value = { state: "resting" };
    this.abort.abort();
  }

  close(): void {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.seen);
    clearTimeout(this.timer);
    this.abort.abort();
  }

  /** again reopens an interrupted stream at once. */
  again(): void {
    if (this.link.peek().state !== "cut") return;
    clearTimeout(this.timer);
    void this.follow();
  }

  private async follow(): Promise<void> {
    this.abort = new AbortController();
    this.link.value = { state: "opening" };
    let wait = 0;
    try {
      const query = new URLSearchParams(this.query);
      query.set("snapshot", "false");
      query.set("interval", String(every));
      const response = await checked(await send("/v1/stream?" + query, { signal: this.abort.signal, headers: { "Last-Event-ID": this.last } }));
      this.link.value = { state: "open" };
      await this.read(response.body!.getReader());
    } catch (error) {
      if (error instanceof Fault) wait = error.retryAfter * 1000;
    }
    if (this.closed || this.link.peek().state === "resting") return;
    wait = Math.max(wait, this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, longest);
    this.link.value = { state: "cut", until: Date.now() + wait };
    this.timer = setTimeout(() => {
      if (signedOut.peek() === null) void this.follow();
    }, wait);
  }

  private async read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    let watchdog = 0;
    const quiet = () => this.abort.abort();
    try {
      for (let noted = 0; ; ) {
        // Once a second is enough, because a thousand events may arrive per second.
        if (Date.now() - noted > 1000) {
          noted = Date.now();
          heard.value = noted;
          clearTimeout(watchdog);
          watchdog = setTimeout(quiet, silence);
        }
        const { done, value } = await reader.read();
        if (done) return;
        rest += decoder.decode(value, { stream: true });
        let from = 0;
        for (let end; (end = rest.indexOf("\n\n", from)) >= 0; from = end + 2) this.take(rest.slice(from, end));
        rest = rest.slice(from);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  private take(text: string): void {
    let name = "";
    let data = "";
    let id = "";
    for (const line of text.split("\n")) {
      if (line.startsWith("data: ")) data = line.slice(6);
      else if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("id: ")) id = line.slice(4);
    }
    if (name === "" || this.closed) return;
    this.pause = shortest;
    this.listener.event(name, data, id);
    if (id) this.last = id;
  }
}

// The state of the service, requested every few seconds while the page is visible.
import { computed, effect, signal } from "@preact/signals";
import { Fault, ask, heard, signedOut, unreachable } from "./api";
import { approximate } from "./digits";
import { clock } from "./time";
import type { Access, Digits, Stats, Status } from "./types";

const every = 3_000; // ms
export const status = signal<Status | null>(null);
export const stats = signal<Stats | null>(null);
export const statusFault = signal<Fault | null>(null);

/** Sample is one point of the charts since the page was opened. */
export interface Sample {
  at: number; // s
  applied: Digits;
  lagSeconds: number;
  lagRecords: number;
  before: number | null; // records applied per second in the minute before
}

const most = 600;
export const samples: Sample[] = [];
export const sampled = signal(0);

/** access is the access of the current key. If the API does not report it, all actions are offered, and a refusal is shown. */
export const access = signal<Access | null>(null);

/** mayOperate reports whether to offer actions that change something. */
export const mayOperate = computed(() => access.value === null || access.value.role === "operator");

let timer = 0;
let round = 0;

async function poll(): Promise<void> {
  clearTimeout(timer);
  const mine = ++round;
  if (!document.hidden && signedOut.peek() === null) {
    try {
      const [s, n] = await Promise.all([ask<Status>("/v1/status"), ask<Stats>("/v1/stats")]);
      if (mine !== round) return;
      status.value = s.body;
      stats.value = n.body;
      statusFault.value = null;
      samples.push({ at: Date.now() / 1000, applied: s.body.appliedSequence, lagSeconds: approximate(s.body.lagSeconds), lagRecords: approximate(s.body.lagRecords),
        before: n.body.throughput === null ? null : approximate(n.body.throughput) });
      if (samples.length > most) samples.shift();
      sampled.value++;
    } catch (error) {
      if (error instanceof Fault) statusFault.value = error;
    }
  }
  if (mine === round) timer = setTimeout(() => void poll(), every);
}

async function learnAccess(): Promise<void> {
  try {
    access.value = (await ask<Access>("/v1/access")).body;
  } catch {
    access.value = null; // offer all actions; the API refuses those that the key does not allow
  }
}

/** refresh requests the state at once. */
export function refresh(): void {
  void poll();
}

/** watchService starts the requests. */
export function watchService(): void {
  effect(() => {
    if (signedOut.value === null) {
      void poll();
      void learnAccess();
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void poll();
  });
}

/** Banner is a warning that the shown data may be wrong. */
export interface Banner {
  grade: "warn" | "high";
  text: string;
  what: string;
}

/** inWords removes the package name at the beginning of a reason, which means nothing to a clerk; Operations shows the whole reason. */
function inWords(reason: string | null): string {
  return reason === null ? "it reports no reason" : reason.replace(/^[a-z]+: /, "");
}

export const banner = computed<Banner | null>(() => {
  if (unreachable.value) {
    const text = heard.value ? `The service has not answered since ${clock(new Date(heard.value))}.` : "The service does not answer.";
    return { grade: "high", text, what: "The page may show old data. It tries again every few seconds; you do not need to reload it." };
  }
  const s = status.value;
  if (s && !s.ready) {
    return { grade: "high", text: `The service is not ready: ${inWords(s.reason)}.`, what: "The page may show old or incomplete data. Operations has details." };
  }
  if (s && s.acceptsNotifications === false) {
    return { grade: "high", text: `No notifications are stored: ${inWords(s.reason)}.`, what: "The page does not show what happens meanwhile." };
  }
  if (s && approximate(s.lagSeconds) > 3) {
    return { grade: "warn", text: `The views are ${Math.round(approximate(s.lagSeconds))} s behind the log.`, what: "The page shows the state at that time and will catch up." };
  }
  return null;
});

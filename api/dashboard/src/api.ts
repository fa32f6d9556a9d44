// Requests to the API. The key that the user typed is kept for this tab only.
import { signal } from "@preact/signals";
import { parse } from "./json";
import { address } from "./route";
import type { Digits, Problem as ProblemBody } from "./types";

const keyName = "orderfold.key";

function keptKey(): string {
  try {
    return sessionStorage.getItem(keyName) ?? "";
  } catch {
    return "";
  }
}

// The time within which an answer must begin, in milliseconds. An answer with minSequence may take two seconds.
const patience = 15_000;

let key = keptKey();

/** signedOut is the reason why the user must type a key; null: no key is needed. */
export const signedOut = signal<"asked" | "wrong" | "revoked" | "left" | null>(null);

/** accepted reports whether the API accepted the key. */
export const accepted = signal(false);

/** heard is the time when the API last answered or sent something, in milliseconds; 0: never. */
export const heard = signal(0);

/** unreachable reports whether the last request got no answer. */
export const unreachable = signal(false);

/** Fault is a problem answered by the API, or a missing answer. */
export class Fault extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly retryAfter: number,
  ) {
    super(detail);
  }
}

/** Answer is a decoded body, and the sequence of the last record that it reflects. */
export interface Answer<T> {
  body: T;
  sequence: Digits | null;
}

export function hasKey(): boolean {
  return key !== "";
}

/** useKey sets the key for later requests. */
export function useKey(text: string): void {
  key = text;
  try {
    if (text) sessionStorage.setItem(keyName, text);
    else sessionStorage.removeItem(keyName);
  } catch {
    // the key lasts until the page is closed
  }
}

/** leave forgets the key. */
export function leave(): void {
  useKey("");
  accepted.value = false;
  signedOut.value = "left";
}

/** send sends a request with the key, and returns any answer. It throws a Fault if there is none. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (key) headers.set("Authorization", "Bearer " + key);
  const patient = new AbortController();
  const giveUp = () => patient.abort();
  const timer = setTimeout(giveUp, patience);
  init.signal?.addEventListener("abort", giveUp);
  try {
    const response = await fetch(address(path), { ...init, headers, credentials: "omit", signal: patient.signal });
    unreachable.value = false;
    heard.value = Date.now();
    return response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    unreachable.value = true;
    throw new Fault(0, "unreachable", "The service does not answer", "There is no answer from this address. The page keeps its data and tries again.", 2);
  } finally {
    clearTimeout(timer);
  }
}

/** checked returns a successful answer, and throws a Fault for any other. */
export async function checked(response: Response): Promise<Response> {
  if (response.ok) {
    if (key) accepted.value = true;
    return response;
  }
  const retryAfter = Number(response.headers.get("Retry-After") ?? "0");
  // If several requests are refused at once, the first one sets the reason.
  if (response.status === 401 && (key !== "" || signedOut.peek() === null)) {
    signedOut.value = key === "" ? "asked" : accepted.value ? "revoked" : "wrong";
    accepted.value = false;
    useKey("");
  }
  let body: Partial<ProblemBody> = {};
  try {
    body = parse<ProblemBody>(await response.text());
  } catch {
    // a page of a proxy
  }
  throw new Fault(response.status, body.code ?? "unknown", body.title ?? `Answer ${response.status}`,
    body.detail ?? "The answer is not from the API of Orderfold. It may be from a proxy.", retryAfter);
}

/** ask requests a path and returns the decoded answer. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
  const response = await checked(await send(path, init));
  return { body: parse<T>(await response.text()), sequence: response.headers.get("Log-Sequence") as Digits | null };
}

/** save makes the browser store an answer as a file. A plain link could not send the key. */
export async function save(path: string, name: string): Promise<void> {
  const link = document.createElement("a");
  link.download = name;
  if (!key) {
    link.href = address(path);
    link.click();
    return;
  }
  const blob = await (await checked(await send(path))).blob();
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

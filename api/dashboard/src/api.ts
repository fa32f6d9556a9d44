// Questions to the API. The key that a person typed in is kept for this tab only.
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

// How long an answer may take to begin, in milliseconds. One that was asked for with minSequence takes two seconds.
const patience = 15_000;

let key = keptKey();

/** signedOut says why a key is to be typed in; null: none is. */
export const signedOut = signal<"asked" | "wrong" | "revoked" | "left" | null>(null);

/** accepted says that a key was sent and is a good one. */
export const accepted = signal(false);

/** heard is when the API last answered or sent something, in milliseconds; 0: never. */
export const heard = signal(0);

/** unreachable says that the last question was not answered at all. */
export const unreachable = signal(false);

/** Fault is an answer that is a problem, or none at all. */
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

/** Answer is what was asked for, and which record it is as of. */
export interface Answer<T> {
  body: T;
  sequence: Digits | null;
}

export function hasKey(): boolean {
  return key !== "";
}

/** useKey takes a key for the questions to come. */
export function useKey(text: string): void {
  key = text;
  try {
    if (text) sessionStorage.setItem(keyName, text);
    else sessionStorage.removeItem(keyName);
  } catch {
    // the key is good until the page is closed
  }
}

/** leave forgets the key. */
export function leave(): void {
  useKey("");
  accepted.value = false;
  signedOut.value = "left";
}

/** send asks with the key, and returns the answer whatever it is. It throws a Fault when there is none. */
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
    throw new Fault(0, "unreachable", "The service does not answer", "Nothing answers at this address. What is shown stays, and is asked for again.", 2);
  } finally {
    clearTimeout(timer);
  }
}

/** checked returns the answer, or throws the problem that it is. */
export async function checked(response: Response): Promise<Response> {
  if (response.ok) {
    if (key) accepted.value = true;
    return response;
  }
  const retryAfter = Number(response.headers.get("Retry-After") ?? "0");
  // Of several questions that are refused at once, the first one says why.
  if (response.status === 401 && (key !== "" || signedOut.peek() === null)) {
    signedOut.value = key === "" ? "asked" : accepted.value ? "revoked" : "wrong";
    accepted.value = false;
    useKey("");
  }
  let body: Partial<ProblemBody> = {};
  try {
    body = parse<ProblemBody>(await response.text());
  } catch {
    // a proxy's own page
  }
  throw new Fault(response.status, body.code ?? "unknown", body.title ?? `Answer ${response.status}`,
    body.detail ?? "What answers is not the API of Orderfold, or a proxy in front of it.", retryAfter);
}

/** ask returns the answer to a question. */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
  const response = await checked(await send(path, init));
  return { body: parse<T>(await response.text()), sequence: response.headers.get("Log-Sequence") as Digits | null };
}

/** save lets the browser store an answer as a file. Where a key is needed a plain link would come without it. */
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

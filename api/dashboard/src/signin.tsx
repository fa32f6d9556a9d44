import { useEffect, useRef, useState } from "preact/hooks";
import { Fault, ask, signedOut, useKey } from "./api";

const reasons = {
  asked: "",
  left: "You are signed out.",
  wrong: "This key is not valid here. Check that it is complete, or ask the operator of the service for another one.",
  revoked: "The key was removed while you were using it. Sign in with another one.",
};

/** SignIn asks for a key, which is kept in this tab and sent only to this service. */
export function SignIn() {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const why = trouble || reasons[signedOut.value ?? "asked"];
  useEffect(() => input.current!.focus(), []);

  async function submit(event: Event) {
    event.preventDefault();
    const secret = text.trim();
    setTrouble("");
    if (!secret) return setTrouble("Type a key first.");
    if (/[^\x21-\x7e]/.test(secret)) return setTrouble("A key contains no spaces and no accented letters.");
    setBusy(true);
    useKey(secret);
    try {
      await ask("/v1/status");
      signedOut.value = null;
    } catch (error) {
      if (error instanceof Fault && error.status >= 500) signedOut.value = null; // the key is not the problem
      else if (error instanceof Fault && error.status !== 401) setTrouble(`${error.title}. ${error.detail}`);
    }
    setBusy(false);
    setText("");
    input.current?.focus();
  }

  return (
    <main class="signin">
      <form onSubmit={(e) => void submit(e)}>
        <h1>Orderfold</h1>
        <p class="dim">You need a key to see orders.</p>
        <input type="text" name="username" autocomplete="username" value="api-key" hidden readOnly />
        <label for="key">API key</label>
        <input id="key" ref={input} type="password" autocomplete="current-password" spellcheck={false} value={text}
          onInput={(e) => setText(e.currentTarget.value)} aria-describedby="why" aria-invalid={why !== ""} />
        <p id="why" class="why" role="alert">{why}</p>
        <button class="primary" disabled={busy}>{busy ? "Signing in…" : "Sign in"}</button>
        <p class="faint">The key stays in this tab and is forgotten when you close it. After you sign in, the page of your link opens.</p>
      </form>
    </main>
  );
}

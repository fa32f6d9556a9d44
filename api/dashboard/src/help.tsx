import { shown } from "./keys";
import { Dialog } from "./parts";

const keys: [string, string][] = [
  ["/", "find an order, notification, product or instrument by any id"],
  ["j  k", "next and previous row, or notification of an order"],
  ["Enter", "open the order's own page"],
  ["Esc", "close what is open"],
  ["n  p", "next and previous break"],
  ["g b", "go to the blotter"],
  ["g k", "go to the breaks"],
  ["g s", "go to settlement"],
  ["g o", "go to operations"],
  ["?", "this list"],
];

export function Help() {
  return (
    <Dialog label="Keys" close={() => (shown.value = null)}>
      <h2>Keys</h2>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <>
            <dt>{key.split(" ").filter(Boolean).map((k) => <kbd>{k}</kbd>)}</dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <h2>Links</h2>
      <p class="dim">The address shows what you see: filters, sort, the order that is open, the notification that is chosen. Copy it, and a
        colleague sees the same list. Your columns, widths and views stay in your browser.</p>
      <button type="button" onClick={() => (shown.value = null)}>Close</button>
    </Dialog>
  );
}
